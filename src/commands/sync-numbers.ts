import type { App, ProviderAccount } from '../app/app.ts';
import { listHeld, type OnStep, reconcileIntents } from '../app/reconcile-intents.ts';
import { reconcileNumbers } from '../app/reconcile-numbers.ts';
import { repointNumber } from '../app/repoint-number.ts';
import type { Terminal } from './create-bar.ts';
import { messageOf } from './finding.ts';
import { withAdvice } from './provider-advice.ts';
import { withPhases, withProgress } from './progress.ts';
import { rowsOf } from './rows-of.ts';

export interface SyncOptions {
  readonly dryRun?: boolean;
  readonly repoint?: boolean;
}

/** `maskline numbers sync`: compares what we hold with what the provider lists, and says what differs. */
export async function syncNumbers(
  app: App,
  account: ProviderAccount,
  options: SyncOptions,
  terminal?: Terminal,
): Promise<void> {
  if (account.provider.capabilities.provisioning === 'none') {
    throw new Error(`${account.name} lists no numbers, so there is nothing to compare.`);
  }
  const dryRun = options.dryRun === true;
  const { settled, result } = await withPhases(async (at) => {
    const settling: OnStep = (done, total) => at('Settling what was begun', done, total);
    const settled = dryRun ? 0 : await reconcileIntents(app, account, settling);
    at(`Asking ${account.name} for its numbers`);
    const onStep: OnStep = (done, total) => at('Withdrawing what is gone', done, total);
    return { settled, result: await reconcileNumbers(app, account, { dryRun, onStep }) };
  }, terminal);
  for (const { virtualNumber, pool } of result.missing)
    print(`${virtualNumber}  pool ${pool}  not at the provider`);
  for (const { virtualNumber } of result.unknown) print(`${virtualNumber}  at the provider, in no pool`);
  print(`Adopted ${settled + result.adopted}, withdrew ${result.withdrawn}.`);
  if (result.alarm) {
    print(
      'So many are missing that none was withdrawn. Is it the right account? See its credentials and sub-accounts.',
    );
    process.exitCode = 1;
  }
  if (options.repoint) await repoint(app, account, dryRun, terminal);
}

async function repoint(
  app: App,
  account: ProviderAccount,
  dryRun: boolean,
  terminal: Terminal | undefined,
): Promise<void> {
  const held = await withPhases((at) => {
    at(`Asking ${account.name} for its numbers`);
    return listHeld(app, account);
  }, terminal);
  const rows = (await rowsOf(app, account)).filter((row) => row.withdrawnAt === null);
  let pointed = 0;
  await withProgress(
    rows,
    (row) => row.virtualNumber,
    async (row) => {
      const one = held.get(row.virtualNumber);
      if (!one) return 'is not at the provider';
      if (dryRun) return 'would be pointed at us';
      try {
        if (!(await repointNumber(app, account, row, one))) {
          return `was not imported to its end: maskline numbers import --account ${account.name} --pool ${row.pool} ${row.virtualNumber}`;
        }
        pointed++;
        return 'points at us';
      } catch (error) {
        process.exitCode = 1;
        return messageOf(withAdvice(error, account.name));
      }
    },
  );
  print(dryRun ? 'Nothing was changed.' : `Pointed ${pointed} of ${rows.length} at us.`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
