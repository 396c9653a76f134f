import { Command } from 'commander';
import { hourOf, HOUR_MS } from '../app/call-caps.ts';
import { liftInTransaction } from '../app/lift-call-cap.ts';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { appendAudit } from '../app/audit.ts';
import { terminalActor, withPrivacyApp } from './privacy-app.ts';

const HELP = `
Caps are settings of the service, in an hour of the clock: MASKLINE_CALLS_PER_HOUR, MASKLINE_CALL_MINUTES_PER_HOUR, and
MASKLINE_ACCOUNT_… of each provider account. When one is reached nothing more is connected, until the hour ends.

Environment: DATABASE_URL, MASKLINE_MASTER_KEY (or …_FILE), MASKLINE_TENANT (default).`;

const LISTED_HOURS = 24;

interface Options {
  readonly tenant?: string;
}

export function capsCommand(): Command {
  const caps = new Command('caps')
    .description('caps on calls and minutes in an hour')
    .addHelpText('afterAll', HELP);
  caps
    .command('list')
    .description('print what was connected in each of the last 24 hours')
    .option('--tenant <tenant>', 'default: MASKLINE_TENANT')
    .action(list);
  caps
    .command('lift')
    .description('allow the cap of the hour that runs once more; every replica knows within a second')
    .option('--account <name>', 'of this provider account; without it, of the whole tenant')
    .option('--tenant <tenant>', 'default: MASKLINE_TENANT')
    .action(lift);
  return caps;
}

async function list(options: Options): Promise<void> {
  await withPrivacyApp(options, async ({ app, tenant }) => {
    const since = hourOf(app.clock.now()) - LISTED_HOURS * HOUR_MS;
    const rows = await app.storage.run(tenant, ({ spend }) => spend.list(since));
    if (rows.length === 0) print(`Tenant ${tenant} has connected nothing in ${LISTED_HOURS} hours.`);
    for (const { scope, hour, calls, minutes, lifted, openedAt, closedAt } of rows) {
      const state = openedAt === null ? '' : closedAt === null ? '  REACHED' : '  was reached';
      print(
        `${new Date(hour).toISOString()}  ${scope || '(tenant)'}  ${calls} calls taken, ${minutes} minutes` +
          `${lifted > 0 ? `, lifted ${lifted} times` : ''}${state}`,
      );
    }
  });
}

async function lift(options: Options & { readonly account?: string }): Promise<void> {
  await withPrivacyApp(options, async ({ app, tenant }) => {
    const account = options.account ?? null;
    const keys = await app.vault.keysOf(tenant);
    const deps = { clock: systemClock, random: systemRandom };
    const lifted = await app.storage.transaction(tenant, async (storage) => {
      if (!(await liftInTransaction(deps, storage, tenant, account))) return false;
      const act = { action: 'call_cap.lifted', subject: account ?? tenant, details: {} };
      await appendAudit(deps, storage, keys, { ...act, actor: terminalActor() });
      return true;
    });
    if (!lifted) throw new Error('Nothing was connected there in this hour, so there is nothing to lift.');
    print('The cap of this hour is allowed once more.');
  });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
