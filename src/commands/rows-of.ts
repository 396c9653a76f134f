import type { App, ProviderAccount } from '../app/app.ts';
import type { VirtualNumberRow } from '../storage/virtual-number-storage.ts';

const PAGE = 500;

/** Every number of the account that is not given back, in their order. */
export async function rowsOf(app: App, account: ProviderAccount): Promise<VirtualNumberRow[]> {
  const found: VirtualNumberRow[] = [];
  for (let after: string | null = null; ; ) {
    const page: readonly VirtualNumberRow[] = await app.storage.run(account.tenant, (s) =>
      s.virtualNumbers.ofAccount(account.name, { limit: PAGE, after }),
    );
    found.push(...page);
    after = page.at(-1)?.virtualNumber ?? null;
    if (page.length < PAGE) return found;
  }
}
