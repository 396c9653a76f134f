import { Argument, Command } from 'commander';
import { appendAudit } from '../app/audit.ts';
import { listHeld } from '../app/reconcile-intents.ts';
import { systemClock } from '../lib/clock.ts';
import type { Provider } from '../providers/provider.ts';
import { providerFactories } from '../provider-factories.ts';
import { proofsOf } from '../providers/provider-accounts.ts';
import type { AccountBudget } from '../storage/storage.ts';
import { addAccount, removeAccount } from './account-changes.ts';
import { withCommandApp } from './command-app.ts';
import { messageOf } from './finding.ts';
import { integerBetween } from './parse-integer.ts';
import { terminalActor } from './privacy-app.ts';
import { withPhases } from './progress.ts';
import { readJson } from './read-json.ts';

const OVERLAP_MINUTES = 60;
const MONTH_MS = 30 * 86_400_000;
const HELP = `
docs/providers says what each provider needs. Environment: DATABASE_URL, MASKLINE_MASTER_KEY, MASKLINE_PUBLIC_URL,
MASKLINE_TENANT (default). A running service notices a changed account within 30 s.`;

interface TenantOption {
  readonly tenant?: string;
}

interface BudgetOptions {
  readonly monthlyPurchases?: number;
  readonly monthlyChurn?: number;
}

interface AddOptions extends TenantOption, BudgetOptions {
  readonly name?: string;
  readonly credentialsFile?: string;
  readonly settingsFile?: string;
  readonly replace?: boolean;
  readonly overlapMinutes?: number;
  readonly dryRun?: boolean;
}

export function providersCommand(): Command {
  const providers = new Command('providers')
    .description('accounts at telecom providers')
    .addHelpText('afterAll', HELP);
  withBudget(
    providers
      .command('add')
      .description('add an account: credentials as JSON on the standard input, or in a file; they are sealed')
      .addArgument(
        new Argument('<provider>', 'docs/providers says what each needs').choices(
          [...providerFactories({ clock: systemClock }).keys()].sort(),
        ),
      )
      .option('--name <name>', 'of the account; default: the name of the provider')
      .option('--credentials-file <file>', 'JSON; else it is read from the standard input')
      .option('--settings-file <file>', 'JSON of what is not secret')
      .option('--replace', 'change an account that is there: new credentials, the same webhook URLs')
      .option(
        '--overlap-minutes <count>',
        'with --replace: so long webhooks that the old credentials prove are believed as well; default: 60',
        integerBetween(0, 1_440),
      )
      .option('--dry-run', 'check everything, and store nothing'),
  ).action(add);
  tenantOption(providers.command('list').description('list the accounts, without their credentials')).action(
    list,
  );
  tenantOption(
    providers
      .command('test')
      .description('ask the provider for its list of numbers, and say how the account stands')
      .argument('<name>', 'as `maskline providers list` shows it'),
  ).action(test);
  withBudget(
    providers
      .command('budget')
      .description('say what may be spent in 30 days')
      .argument('<name>', 'as `maskline providers list` shows it'),
  ).action(budget);
  tenantOption(
    providers
      .command('remove')
      .description('forget the credentials of an account that holds no numbers')
      .argument('<name>', 'as `maskline providers list` shows it')
      .option('--dry-run', 'say what would be done'),
  ).action(remove);
  return providers;
}

function tenantOption(command: Command): Command {
  return command.option('--tenant <tenant>', 'default: MASKLINE_TENANT');
}

function withBudget(command: Command): Command {
  return tenantOption(command)
    .option(
      '--monthly-purchases <count>',
      'numbers that may be bought in 30 days',
      integerBetween(0, 1_000_000),
    )
    .option(
      '--monthly-churn <count>',
      'numbers that may be bought or given back in 30 days',
      integerBetween(0, 2_000_000),
    );
}

async function add(provider: string, options: AddOptions): Promise<void> {
  const credentials = await readJson('credentials', options.credentialsFile);
  const settings = options.settingsFile === undefined ? {} : await readJson('settings', options.settingsFile);
  await withCommandApp(options, async (context) => {
    const name = options.name ?? provider;
    const { urls, ...added } = await addAccount(context, providerFactories({ clock: systemClock }), {
      provider,
      name,
      settings,
      credentials,
      budget: toBudget(options),
      replace: options.replace === true,
      overlapMinutes: options.overlapMinutes ?? OVERLAP_MINUTES,
      dryRun: options.dryRun === true,
    });
    print(`Account "${name}" of ${provider}: ${describe(added.provider)}.`);
    if (options.dryRun) return print('Nothing was stored.');
    process.stderr.write('These are its webhook URLs. They hold a secret and are shown this once:\n');
    print(`  answer   ${urls.answer}\n  status   ${urls.status}\n  message  ${urls.message}`);
    print(
      `Numbers that are bought or imported get them by themselves. Next: maskline providers test ${name}`,
    );
  });
}

async function list(options: TenantOption): Promise<void> {
  await withCommandApp(options, async ({ app, tenant }) => {
    const rows = await app.storage.run(tenant, (storage) => storage.providerAccounts.list());
    if (rows.length === 0)
      print(`Tenant ${tenant} has no provider account. Add one with \`maskline providers add\`.`);
    for (const { name, provider, id } of rows) {
      const { uses, spent } = await app.storage.run(tenant, async (storage) => ({
        uses: await storage.providerAccounts.uses(name),
        spent: await storage.intents.spent(name, app.clock.now() - MONTH_MS),
      }));
      const pools = uses.pools.length > 0 ? uses.pools.join(', ') : 'no pool';
      const unconfirmed = spent.unconfirmed > 0 ? ` (${spent.unconfirmed} of them never confirmed)` : '';
      print(
        `${name}  ${provider}  ${id}  ${uses.numbers} numbers, stock of ${pools}; in 30 days ` +
          `${spent.purchases} bought${unconfirmed}, ${spent.decommissions} given back`,
      );
    }
  });
}

async function test(name: string, options: TenantOption): Promise<void> {
  await withCommandApp(options, async ({ app, tenant, publicUrl }) => {
    const account = await app.providerAccounts.byName(tenant, name);
    if (!account) throw new Error(`There is no account "${name}": see \`maskline providers list\`.`);
    const { capabilities } = account.provider;
    print(`ok    The credentials open and are of the right shape; ${describe(account.provider)}.`);
    if (!publicUrl.startsWith('https://')) {
      print(`warn  MASKLINE_PUBLIC_URL is ${publicUrl}: no provider outside of this machine reaches that.`);
    }
    if (capabilities.provisioning === 'none') {
      return print(
        'ok    There is no API to ask: numbers are imported, and the switch is configured by hand.',
      );
    }
    try {
      const held = await withPhases((at) => {
        at(`Asking ${account.name} for its numbers`);
        return listHeld(app, account);
      });
      const ours = await app.storage.run(tenant, (storage) => storage.providerAccounts.uses(name));
      print(
        `ok    The provider answers: it holds ${held.size} numbers for us, and ${ours.numbers} of ours are there.`,
      );
    } catch (error) {
      print(`fail  The provider did not give its list: ${messageOf(error)}`);
      process.exitCode = 1;
    }
  });
}

async function budget(name: string, options: TenantOption & BudgetOptions): Promise<void> {
  const changed = toBudget(options);
  if (!changed) throw new Error('Give --monthly-purchases, --monthly-churn, or both.');
  await withCommandApp(options, async ({ app, tenant }) => {
    const keys = await app.vault.keysOf(tenant);
    const result = await app.storage.transaction(tenant, async (storage) => {
      const before =
        (await storage.providerAccounts.get(name)) && (await storage.providerAccounts.lockBudget(name));
      if (!before) throw new Error(`There is no account "${name}".`);
      const after: AccountBudget = {
        monthlyPurchaseMax: changed.monthlyPurchaseMax ?? before.monthlyPurchaseMax,
        monthlyChurnMax: changed.monthlyChurnMax ?? before.monthlyChurnMax,
      };
      await storage.providerAccounts.setBudget(name, after);
      const act = { action: 'provider_account.budget_changed', subject: name, details: { ...after } };
      await appendAudit(app, storage, keys, { ...act, actor: terminalActor() });
      return after;
    });
    const said = (count: number | null): string =>
      count === null ? "the service's own limit" : String(count);
    print(
      `In 30 days: ${said(result.monthlyPurchaseMax)} bought, ${said(result.monthlyChurnMax)} bought or given back.`,
    );
  });
}

async function remove(name: string, options: TenantOption & { dryRun?: boolean }): Promise<void> {
  await withCommandApp(options, async (context) => {
    if (options.dryRun) {
      const { pools, numbers } = await context.app.storage.run(context.tenant, (s) =>
        s.providerAccounts.uses(name),
      );
      return print(
        `"${name}" is the stock of ${pools.length} pools and holds ${numbers} numbers; nothing was changed.`,
      );
    }
    await removeAccount(context, name);
    print(`Removed "${name}". Its credentials are gone; its calls and numbers stay in the history.`);
  });
}

function toBudget({ monthlyPurchases, monthlyChurn }: BudgetOptions): AccountBudget | null {
  if (monthlyPurchases === undefined && monthlyChurn === undefined) return null;
  return { monthlyPurchaseMax: monthlyPurchases ?? null, monthlyChurnMax: monthlyChurn ?? null };
}

function describe(provider: Provider): string {
  return `webhooks are proven by ${proofsOf(provider).join(' and ')}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
