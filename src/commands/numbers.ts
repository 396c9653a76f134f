import { Command, InvalidArgumentError } from 'commander';
import type { ProviderAccount } from '../app/app.ts';
import { askProvider } from '../app/ask-provider.ts';
import { buyNumber } from '../app/buy-number.ts';
import { decommissionNumber } from '../app/decommission-number.ts';
import { importHeldNumber, isBrokenOff } from '../app/import-held-number.ts';
import { listHeld, reconcileIntents } from '../app/reconcile-intents.ts';
import { toVirtualNumber, type VirtualNumber } from '../domain/virtual-number.ts';
import { isKnownCountry } from '../privacy/known-country.ts';
import type { NumberHeld, NumberOnSale } from '../providers/provider.ts';
import { type CommandApp, withCommandApp } from './command-app.ts';
import { messageOf } from './finding.ts';
import { integerBetween } from './parse-integer.ts';
import { withAdvice } from './provider-advice.ts';
import { withPhases, withProgress } from './progress.ts';
import { rowsOf } from './rows-of.ts';
import { type SyncOptions, syncNumbers } from './sync-numbers.ts';

const HELP = `
Every command that changes something has --dry-run. What was begun and broke off is finished by the running service.
Environment: DATABASE_URL, MASKLINE_MASTER_KEY, MASKLINE_PUBLIC_URL, MASKLINE_TENANT (default).`;

interface Options {
  readonly tenant?: string;
  readonly account: string;
  readonly dryRun?: boolean;
}

export function numbersCommand(): Command {
  const numbers = new Command('numbers')
    .description('virtual numbers at providers')
    .addHelpText('afterAll', HELP);
  const onAccount = (command: Command): Command =>
    command
      .requiredOption('--account <name>', 'provider account')
      .option('--tenant <tenant>', 'default: MASKLINE_TENANT');
  const dry = (command: Command): Command =>
    command.option('--dry-run', 'say what would be done, and change nothing');
  onAccount(numbers.command('search').description('list numbers on sale'))
    .requiredOption('--country <code>', 'ISO 3166-1 alpha-2', countryCode)
    .option('--limit <count>', 'at most so many', integerBetween(1, 100), 20)
    .action(search);
  dry(onAccount(numbers.command('provision').description('buy numbers into a pool')))
    .requiredOption('--pool <name>', 'pool that they join')
    .requiredOption('--country <code>', 'ISO 3166-1 alpha-2', countryCode)
    .requiredOption('--count <count>', 'how many', integerBetween(1, 10_000))
    .action(provision);
  dry(
    onAccount(
      numbers.command('import').description('take numbers that the account holds already into a pool'),
    ),
  )
    .argument('[numbers...]', 'E.164 with +', virtualNumbers)
    .requiredOption('--pool <name>', 'pool that they join')
    .option('--all', 'every number that the account holds and no pool has, and those whose import broke off')
    .addHelpText(
      'after',
      '\nTheir webhooks are pointed at us; where they pointed before is put back on decommission.',
    )
    .action(importNumbers);
  dry(onAccount(numbers.command('sync').description('compare what we hold with what the provider lists')))
    .option(
      '--repoint',
      'then point the webhooks of every number at us again, as after a change of MASKLINE_PUBLIC_URL',
    )
    .action(sync);
  dry(
    onAccount(
      numbers.command('decommission').description('give numbers back; imported ones stay at the provider'),
    ),
  )
    .argument('[numbers...]', 'E.164 with +', virtualNumbers)
    .option('--all', 'every number of the account that nobody needs now')
    .action(decommission);
  return numbers;
}

async function search(options: Options & { country: string; limit: number }): Promise<void> {
  await withAccount(options, async ({ app, account }) => {
    const { country, limit } = options;
    const onSale = await askProvider(app, account, (provider, signal) =>
      provider.searchNumbers({ country, limit }, signal),
    );
    for (const { virtualNumber, capabilities } of onSale)
      print(`${virtualNumber}  ${capabilities.join(', ')}`);
    if (onSale.length === 0) print(`${account.name} has no number of ${country} on sale.`);
  });
}

async function provision(options: Options & { pool: string; country: string; count: number }): Promise<void> {
  await withAccount(options, async ({ app, account }) => {
    const { pool, country, count } = options;
    if (!(await app.storage.run(account.tenant, (s) => s.pools.get(pool)))) {
      throw new Error(`There is no pool "${pool}". Create it with POST /v1/pools.`);
    }
    if (!options.dryRun) {
      await withPhases((at) =>
        reconcileIntents(app, account, (done, total) => at('Settling what was begun', done, total)),
      );
    }
    let bought = 0;
    while (bought < count) {
      const limit = Math.min(count - bought, 50);
      const offers: readonly NumberOnSale[] = await askProvider(app, account, (provider, signal) =>
        provider.searchNumbers({ country, limit }, signal),
      );
      if (offers.length === 0) throw new Error(`${account.name} has no more numbers of ${country} on sale.`);
      if (options.dryRun) {
        for (const { virtualNumber } of offers) print(`${virtualNumber}  would be bought`);
        return print(`Of ${count} numbers, ${offers.length} were looked for. Nothing was bought.`);
      }
      const before = bought;
      await withProgress(offers.slice(0, count - bought), nameOf, async ({ virtualNumber }) => {
        const isOurs = await buyNumber(app, account, pool, virtualNumber);
        if (isOurs) bought++;
        return isOurs ? 'bought' : 'somebody else was quicker';
      });
      if (bought === before) throw new Error('Everything that was offered went to somebody else. Try again.');
    }
    print(`Bought ${bought} numbers into pool ${pool}.`);
  });
}

async function importNumbers(
  wanted: readonly VirtualNumber[],
  options: Options & { pool: string; all?: boolean },
): Promise<void> {
  assertChosen(wanted, options.all);
  await withAccount(options, async ({ app, account }) => {
    if (account.provider.capabilities.provisioning === 'none') {
      throw new Error(`${account.name} lists no numbers. Import them with POST /v1/virtual-numbers.`);
    }
    const held = await withPhases((at) => {
      at(`Asking ${account.name} for its numbers`);
      return listHeld(app, account);
    });
    const known = await app.storage.run(account.tenant, (s) => s.virtualNumbers.known([...held.keys()]));
    const rows = options.all ? await rowsOf(app, account) : [];
    const brokenOff = new Set(
      rows
        .filter((row) => row.pool === options.pool && isBrokenOff(row) && row.previousWebhooks !== null)
        .map((row) => row.virtualNumber),
    );
    const chosen: NumberHeld[] = options.all
      ? [...held.values()].filter(
          ({ virtualNumber }) => !known.has(virtualNumber) || brokenOff.has(virtualNumber),
        )
      : wanted.map((virtualNumber) => {
          const one = held.get(virtualNumber);
          if (!one) throw new Error(`${account.name} does not hold ${virtualNumber}.`);
          return one;
        });
    await withProgress(chosen, nameOf, async (one) => {
      if (options.dryRun) return 'would be imported, and its webhooks pointed at us';
      await importHeldNumber(app, account, { held: one, pool: options.pool });
      return 'imported';
    });
    print(
      options.dryRun
        ? 'Nothing was changed.'
        : `Imported ${chosen.length} numbers into pool ${options.pool}.`,
    );
  });
}

async function sync(options: Options & SyncOptions): Promise<void> {
  await withAccount(options, ({ app, account }) => syncNumbers(app, account, options));
}

async function decommission(
  wanted: readonly VirtualNumber[],
  options: Options & { all?: boolean },
): Promise<void> {
  assertChosen(wanted, options.all);
  await withAccount(options, async ({ app, account }) => {
    const chosen = options.all ? (await rowsOf(app, account)).map((row) => row.virtualNumber) : wanted;
    for (const virtualNumber of chosen) await assertOf({ app }, account, virtualNumber);
    let kept = 0;
    await withProgress(chosen, String, async (virtualNumber) => {
      if (options.dryRun) return 'would be given back as soon as nobody needs it';
      try {
        await decommissionNumber(app, { tenant: account.tenant, virtualNumber });
        return 'given back';
      } catch (error) {
        kept++;
        return messageOf(withAdvice(error, account.name));
      }
    });
    if (kept > 0) process.exitCode = 1;
    print(options.dryRun ? 'Nothing was changed.' : `Gave back ${chosen.length - kept} of ${chosen.length}.`);
  });
}

async function assertOf(
  { app }: Pick<CommandApp, 'app'>,
  account: ProviderAccount,
  virtualNumber: VirtualNumber,
): Promise<void> {
  const row = await app.storage.run(account.tenant, (s) => s.virtualNumbers.get(virtualNumber));
  if (row?.providerAccount !== account.name)
    throw new Error(`${virtualNumber} is not held at ${account.name}.`);
}

async function withAccount(
  options: Options,
  work: (context: CommandApp & { account: ProviderAccount }) => Promise<void>,
): Promise<void> {
  await withCommandApp(options, async (context) => {
    const account = await context.app.providerAccounts.byName(context.tenant, options.account);
    if (!account)
      throw new Error(`There is no account "${options.account}": see \`maskline providers list\`.`);
    await work({ ...context, account }).catch((error: unknown) => {
      throw withAdvice(error, account.name);
    });
  });
}

function assertChosen(wanted: readonly VirtualNumber[], all: boolean | undefined): void {
  if (wanted.length > 0 === (all === true)) throw new Error('Name the numbers, or give --all.');
}

function nameOf(one: NumberOnSale): string {
  return one.virtualNumber;
}

function virtualNumbers(text: string, before: readonly VirtualNumber[] | undefined): VirtualNumber[] {
  const virtualNumber = toVirtualNumber(text);
  if (!virtualNumber) throw new InvalidArgumentError('It must be E.164: +, the country code, the number.');
  return [...(before ?? []), virtualNumber];
}

function countryCode(text: string): string {
  if (!/^[A-Za-z]{2}$/.test(text)) throw new InvalidArgumentError('It must be two letters, such as US.');
  const country = text.toUpperCase();
  if (!isKnownCountry(country))
    throw new InvalidArgumentError('There are no numbers of such a country. The United Kingdom is GB.');
  return country;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
