import { ProviderError } from '../providers/provider.ts';
import type { QuietCall } from '../storage/storage.ts';
import type { App, ProviderAccount } from './app.ts';
import { askCallEnd, canSayCallEnds } from './ask-call-end.ts';
import { LIMITS } from './limits.ts';

/**
 * Asks the providers how calls have ended that went quiet: their end was not reported, or was reported to nobody.
 * A provider that says so settles the call with its own times; one that says nothing is asked again later.
 * Bounded per look and account, and behind the account's breaker. Returns how many calls have ended by this.
 */
export async function settleQuietCalls(app: App): Promise<number> {
  const before = app.clock.now() - LIMITS.callQuietSeconds * 1_000;
  const quiet = await app.storage.system.quietCalls(before, LIMITS.callCheckBatch);
  let settled = 0;
  for (const calls of groupedByAccount(quiet)) {
    const [{ tenant, providerAccount }] = calls;
    // Noted before asking, so that a provider that fails does not get the same questions at once again.
    await app.storage.run(tenant, (s) =>
      s.calls.setChecked(
        calls.map((call) => call.id),
        app.clock.now(),
      ),
    );
    const account = await app.providerAccounts.byName(tenant, providerAccount).catch(() => null);
    if (account) settled += await settleOf(app, account, calls);
  }
  return settled;
}

async function settleOf(app: App, account: ProviderAccount, calls: readonly QuietCall[]): Promise<number> {
  if (!canSayCallEnds(account)) return 0;
  let settled = 0;
  for (let i = 0; i < calls.length; i += LIMITS.callCheckConcurrency) {
    const slice = calls.slice(i, i + LIMITS.callCheckConcurrency);
    try {
      const outcomes = await Promise.all(slice.map((call) => askCallEnd(app, account, call.providerCallId)));
      settled += outcomes.filter((outcome) => outcome).length;
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      app.log.warn({ account: account.name, error }, 'The provider does not say how calls have ended.');
      break;
    }
  }
  return settled;
}

function groupedByAccount(calls: readonly QuietCall[]): [QuietCall, ...QuietCall[]][] {
  const groups = new Map<string, [QuietCall, ...QuietCall[]]>();
  for (const call of calls) {
    const key = `${call.tenant}/${call.providerAccount}`;
    const group = groups.get(key);
    if (group) group.push(call);
    else groups.set(key, [call]);
  }
  return [...groups.values()];
}
