import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import type { App } from '../app/app.ts';
import {
  APPROVED_PURCHASES_MAXIMUM,
  approvePurchases,
  declinePurchases,
  requestPurchases,
} from '../app/purchase-approvals.ts';
import { ApiKeyCache } from '../http/api-key-cache.ts';
import type { ApiScope } from '../http/scopes.ts';
import type { PurchaseApproval } from '../storage/purchase-approval-storage.ts';
import { integerBetween } from './parse-integer.ts';
import { withPrivacyApp } from './privacy-app.ts';

const HELP = `
An account that has spent its budget of 30 days may buy more when two people agree: one asks, and another approves. Who
they are, their API keys say, also here: the key is read from the standard input, as in

  maskline purchases approve pap_01kd… < key-of-somebody-else

What the service has asked for by itself is approved by two keys. Nobody approves what they have asked for.

Environment: DATABASE_URL, MASKLINE_MASTER_KEY (or …_FILE), MASKLINE_TENANT (default).`;

const LISTED = 100;
const KEY_LENGTH_MAXIMUM = 1_000;

interface Options {
  readonly tenant?: string;
}

export function purchasesCommand(): Command {
  const purchases = new Command('purchases')
    .description('purchases beyond the budget of an account, which two people allow')
    .addHelpText('afterAll', HELP);
  tenantOption(purchases.command('list').description('what was asked, newest first')).action(list);
  tenantOption(
    purchases
      .command('request')
      .description('ask that an account may buy so many numbers more; needs the scope purchases:request')
      .argument('<account>', 'as `maskline providers list` shows it')
      .argument('<count>', 'numbers', integerBetween(1, APPROVED_PURCHASES_MAXIMUM))
      .requiredOption('--reason <text>', 'why; it stands in the audit'),
  ).action(request);
  tenantOption(
    purchases
      .command('approve')
      .description('approve what another key has asked; needs the scope purchases:approve')
      .argument('<id>', 'as `maskline purchases list` shows it'),
  ).action((id: string, options: Options) => decide(id, options, approvePurchases));
  tenantOption(
    purchases
      .command('decline')
      .description('decline it; needs the scope purchases:approve')
      .argument('<id>', 'as `maskline purchases list` shows it'),
  ).action((id: string, options: Options) => decide(id, options, declinePurchases));
  return purchases;
}

function tenantOption(command: Command): Command {
  return command.option('--tenant <tenant>', 'default: MASKLINE_TENANT');
}

async function list(options: Options): Promise<void> {
  await withPrivacyApp(options, async ({ app, tenant }) => {
    const page = { limit: LISTED, after: null };
    const rows = await app.storage.run(tenant, ({ spend }) => spend.listApprovals(page));
    if (rows.length === 0) print(`Nothing was asked for in tenant ${tenant}.`);
    for (const row of rows) print(describe(row));
  });
}

async function request(
  providerAccount: string,
  purchases: number,
  options: Options & { readonly reason: string },
): Promise<void> {
  await withPrivacyApp(options, async ({ app, tenant }) => {
    const actor = await keyHolder(app, tenant, 'purchases:request');
    const { reason } = options;
    print(describe(await requestPurchases(app, { tenant, actor, providerAccount, purchases, reason })));
  });
}

async function decide(id: string, options: Options, how: typeof approvePurchases): Promise<void> {
  await withPrivacyApp(options, async ({ app, tenant }) => {
    const actor = await keyHolder(app, tenant, 'purchases:approve');
    const decided = await how(app, { tenant, id, actor });
    print(describe(decided));
    if (decided.state === 'asked') print('Another key has to approve it as well.');
  });
}

/** The actor whose key is on the standard input. @throws Error when it may not do this */
async function keyHolder(app: App, tenant: string, scope: ApiScope): Promise<string> {
  if (process.stdin.isTTY) throw new Error('Give your API key on the standard input: … < file');
  const key = (await text(process.stdin)).slice(0, KEY_LENGTH_MAXIMUM).trim();
  const row = await new ApiKeyCache((hash) => app.storage.system.apiKeyByHash(hash), app.clock).find(key);
  if (row?.tenant !== tenant)
    throw new Error(`What came in is no API key of tenant ${tenant} that is valid.`);
  if ((row.allowedAddresses ?? []).length > 0) {
    throw new Error(
      'This API key is for certain addresses, and a terminal has none. Ask the API from one of them.',
    );
  }
  if (!row.scopes.includes(scope)) throw new Error(`This needs an API key with the scope ${scope}.`);
  return `key:${row.id}`;
}

function describe({ id, state, purchases, providerAccount, ...rest }: PurchaseApproval): string {
  const asked = rest.requestedBy ?? 'the service, and nobody stands behind it yet';
  const decided = rest.decidedBy === null ? '' : `, decided by ${rest.decidedBy}`;
  return `${id}  ${state.toUpperCase()}  ${purchases} numbers of "${providerAccount}", asked by ${asked}${decided}: ${rest.reason}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
