import type { App } from './app.ts';

/**
 * Loads every provider account of the tenant, and says which are refused: with fewer than two proofs of their webhooks, with
 * credentials of another shape, of a provider that is not built in. Somebody is told when the service starts, and not by the
 * first call that is not answered; the other accounts go on.
 */
export async function nameRefusedAccounts(app: App, tenant: string): Promise<readonly string[]> {
  const rows = await app.storage.run(tenant, (storage) => storage.providerAccounts.list());
  const refused: string[] = [];
  for (const { name } of rows) {
    try {
      await app.providerAccounts.byName(tenant, name);
    } catch (error) {
      refused.push(name);
      app.log.error(
        { account: name, error },
        'A provider account is refused: nothing is asked of it or answered to it.',
      );
    }
  }
  return refused;
}
