/**
 * Whether the call was decided before, as a condition over SQL expressions; the tenant is $1.
 *
 * Asked in a roundabout way, as the first call from this key on, because a plan that was made while the table was small
 * takes any index that begins with the tenant, and would read all its calls for ever. Only the unique index has this
 * order, so that only it can answer.
 */
export function alreadyDecided(providerAccount: string, providerCallId: string): string {
  return `coalesce((
       select c.provider_account = ${providerAccount} and c.provider_call_id = ${providerCallId} from call c
        where c.tenant = $1 and (c.provider_account, c.provider_call_id) >= (${providerAccount}, ${providerCallId})
        order by c.provider_account, c.provider_call_id limit 1), false)`;
}
