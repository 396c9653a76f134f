import { VirtualNumberState } from '../domain/virtual-number.ts';
import type { NumberHeld } from '../providers/provider.ts';
import type { VirtualNumberRow } from '../storage/virtual-number-storage.ts';
import type { App, ProviderAccount } from './app.ts';
import { LIMITS } from './limits.ts';
import { raiseEvent } from './raise-event.ts';
import { reassignSession } from './reassign-session.ts';
import { adoptListed, listHeld, type OnStep } from './reconcile-intents.ts';

export interface ReconciledNumbers {
  readonly adopted: number;
  readonly withdrawn: number;
  /** more than is believable have vanished at once: nothing was withdrawn, somebody has to look */
  readonly alarm: boolean;
  /** at the provider, but not ours to use: imported never, or given up */
  readonly unknown: readonly NumberHeld[];
  /** here, but not at the provider */
  readonly missing: readonly VirtualNumberRow[];
}

/**
 * Compares what we hold with what the provider lists. A number that vanished there is suspended and withdrawn: it
 * is not allocated, calls to it are answered neutrally, and its open sessions get other numbers. A purchase that
 * was given up and was made all the same is adopted.
 *
 * A list with most of our numbers missing is more likely wrong than true, so that nothing is withdrawn then.
 * @throws ProviderError when the list cannot be had
 */
export async function reconcileNumbers(
  app: App,
  account: ProviderAccount,
  options: { readonly dryRun?: boolean; readonly onStep?: OnStep } = {},
): Promise<ReconciledNumbers> {
  const { tenant } = account;
  const askedAt = app.clock.now();
  const held = await listHeld(app, account);
  const ours = await numbersOf(app, account);
  const known = new Set(ours.map((row) => String(row.virtualNumber)));
  const unknown = [...held.values()].filter((one) => !known.has(one.virtualNumber));
  const missing = ours.filter(
    (row) =>
      !held.has(row.virtualNumber) &&
      row.withdrawnAt === null &&
      // One that was bought a moment ago may not be in the list yet.
      row.createdAt <= askedAt - LIMITS.intentPatienceSeconds * 1_000,
  );
  const present = ours.filter((row) => row.withdrawnAt === null).length;
  const alarm = missing.length > present * LIMITS.vanishedShare + LIMITS.vanishedExtra;
  app.metrics.numbersMissing.set({ account: account.name }, missing.length);
  if (options.dryRun) return { adopted: 0, withdrawn: 0, alarm, unknown, missing };
  const adopted = await adoptGivenUp(app, account, unknown);
  if (alarm) {
    app.log.error(
      { account: account.name, missing: missing.length, of: present },
      'So many numbers are missing in the list of the provider that nothing was withdrawn. Compare with `maskline numbers sync`.',
    );
  } else {
    for (const [done, row] of missing.entries()) {
      options.onStep?.(done, missing.length);
      await withdrawNumber(app, tenant, row);
    }
  }
  return { adopted, withdrawn: alarm ? 0 : missing.length, alarm, unknown, missing };
}

/** Takes a number that the provider lists no more out of use, and gives its sessions others. */
export async function withdrawNumber(app: App, tenant: string, row: VirtualNumberRow): Promise<void> {
  const { virtualNumber, pool, providerAccount } = row;
  const data = { virtualNumber, pool, providerAccount, reason: 'not_at_provider' };
  await app.storage.transaction(tenant, async (storage) => {
    await storage.virtualNumbers.withdraw(virtualNumber, app.clock.now());
    await storage.outboxAppend([raiseEvent(app, 'virtual_number.suspended', virtualNumber, data)]);
  });
  app.wake.outbox.raise();
  await reassignHolders(app, tenant, row);
}

/** Also for sessions that a crash between withdrawal and reassignment has left behind. */
export async function reassignHolders(app: App, tenant: string, row: VirtualNumberRow): Promise<void> {
  const sessions = await app.storage.run(tenant, (s) => s.sessions.holding(row.virtualNumber));
  for (const session of sessions) await reassignSession(app, tenant, session);
}

async function adoptGivenUp(
  app: App,
  account: ProviderAccount,
  unknown: readonly NumberHeld[],
): Promise<number> {
  const numbers = unknown.map((one) => one.virtualNumber);
  const intents = await app.storage.run(account.tenant, (s) => s.intents.givenUp(account.name, numbers));
  let adopted = 0;
  for (const intent of intents) {
    const held = unknown.find((one) => one.virtualNumber === intent.virtualNumber);
    if (held && (await adoptListed(app, account, intent, held))) adopted++;
  }
  return adopted;
}

async function numbersOf(app: App, account: ProviderAccount): Promise<VirtualNumberRow[]> {
  const rows: VirtualNumberRow[] = [];
  for (let after: string | null = null; ; ) {
    const page: readonly VirtualNumberRow[] = await app.storage.run(account.tenant, (storage) =>
      storage.virtualNumbers.ofAccount(account.name, { limit: LIMITS.numberPage, after }),
    );
    rows.push(...page.filter((row) => row.state !== VirtualNumberState.Decommissioned));
    const last = page.at(-1);
    if (!last || page.length < LIMITS.numberPage) return rows;
    after = last.virtualNumber;
  }
}
