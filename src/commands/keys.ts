import { isIP } from 'node:net';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type CommandConfig, readDatabaseConfig } from '../config.ts';
import { ALL_SCOPES, type ApiScope, isApiScope, SCOPES } from '../http/scopes.ts';
import { systemClock } from '../lib/clock.ts';
import { createId } from '../lib/id.ts';
import { systemRandom } from '../lib/random.ts';
import { createApiKey, hashApiKey } from '../privacy/api-key.ts';
import { createSqlStorage } from '../storage/sql/sql-storage.ts';
import type { ApiKeyRow, Storage } from '../storage/storage.ts';
import { withCommandDatabase } from './command-database.ts';
import { keyRingCommands } from './keys-rotate.ts';
import { auditedWithKey } from './privacy-app.ts';
import { integerBetween } from './parse-integer.ts';

const DAY_MS = 86_400_000;
const EXPIRY_DAYS_MAXIMUM = 3_650;
const ENVIRONMENT =
  'Environment: DATABASE_URL, MASKLINE_TENANT (default); MASKLINE_MASTER_KEY, for the row in the audit.';

interface TenantOption {
  readonly tenant?: string;
}

export function keysCommand(): Command {
  const scopes = Object.entries(SCOPES).map(([scope, meaning]) => `  ${scope.padEnd(22)} ${meaning}`);
  const keys = new Command('keys').description(
    'make, list and revoke keys of the REST API; exchange and destroy the keys that protect real numbers',
  );
  for (const command of keyRingCommands()) keys.addCommand(command);
  keys
    .command('create')
    .description('make a key; it is shown once and kept nowhere')
    .argument('<name>', 'what the key is for, 1 to 100 characters', keyName)
    .addOption(
      new Option('--scopes <scopes>', 'separated by commas')
        .argParser(readScopes)
        .default([...ALL_SCOPES], 'all of them'),
    )
    .option('--expires-in-days <days>', 'it never expires by default', integerBetween(1, EXPIRY_DAYS_MAXIMUM))
    .option(
      '--from <addresses>',
      'addresses or CIDR blocks, separated by commas; from anywhere by default',
      readAddresses,
    )
    .option('--tenant <tenant>', 'default: MASKLINE_TENANT')
    .addHelpText('after', `\nScopes:\n${scopes.join('\n')}\n\n${ENVIRONMENT}`)
    .action(createKey);
  keys
    .command('list')
    .description('list the keys of a tenant, without the keys themselves')
    .option('--tenant <tenant>', 'default: MASKLINE_TENANT')
    .addHelpText('after', '\nEnvironment: DATABASE_URL, MASKLINE_TENANT (default).')
    .action((options: TenantOption) =>
      withTenant(options, async (storage, tenant) => {
        const rows = await storage.run(tenant, (s) => s.apiKeys.list());
        if (rows.length === 0) print(`Tenant ${tenant} has no key. Make one with \`maskline keys create\`.`);
        for (const row of rows) print(describeKey(row));
      }),
    );
  keys
    .command('revoke')
    .description('revoke a key; it is refused everywhere 5 s later at most')
    .argument('<id>', 'as `maskline keys list` shows it')
    .option('--tenant <tenant>', 'default: MASKLINE_TENANT')
    .addHelpText('after', `\n${ENVIRONMENT}`)
    .action((id: string, options: TenantOption) =>
      withTenant(options, async (storage, tenant) => {
        const act = { action: 'api_key.revoked', subject: id, details: {} };
        await auditedWithKey(storage, tenant, act, async ({ apiKeys }) => {
          if (await apiKeys.revoke(id, systemClock.now())) return;
          throw new Error(`Tenant ${tenant} has no such key that is not revoked yet: see \`keys list\`.`);
        });
        print(`Revoked ${id}.`);
      }),
    );
  return keys;
}

async function createKey(
  name: string,
  options: TenantOption & { scopes: readonly ApiScope[]; expiresInDays?: number; from?: readonly string[] },
): Promise<void> {
  await withTenant(options, async (storage, tenant) => {
    const now = systemClock.now();
    const key = createApiKey(systemRandom);
    const row: ApiKeyRow = {
      tenant,
      id: createId('key', systemClock, systemRandom),
      name,
      scopes: options.scopes,
      expiresAt: options.expiresInDays === undefined ? null : now + options.expiresInDays * DAY_MS,
      revokedAt: null,
      allowedAddresses: options.from ?? [],
    };
    const { scopes, allowedAddresses, expiresAt } = row;
    const details = { scopes, allowedAddresses, expiresAt };
    const act = { action: 'api_key.created', subject: row.id, details };
    await auditedWithKey(storage, tenant, act, ({ apiKeys }) =>
      apiKeys.insert({ ...row, hash: hashApiKey(key) }, now),
    );
    process.stderr.write(`${describeKey(row)}\nThis is the key. It is shown this once:\n`);
    // Alone on the standard output, so that it can be piped into a secret store.
    print(key);
  });
}

async function withTenant(
  options: TenantOption,
  work: (storage: Storage, tenant: string) => Promise<void>,
): Promise<void> {
  const config: CommandConfig = readDatabaseConfig(process.env);
  const tenant = options.tenant ?? config.service.tenant;
  await withCommandDatabase(config, async (database) => {
    const storage = createSqlStorage(database);
    // The configured tenant may be used before its first start; any other name is more likely a slip.
    if (tenant === config.service.tenant)
      await storage.system.tenantInsert(tenant, tenant, systemClock.now());
    const tenants = await storage.system.tenantList();
    if (!tenants.includes(tenant)) {
      throw new Error(`There is no tenant "${tenant}". There is: ${tenants.join(', ')}.`);
    }
    await work(storage, tenant);
  });
}

function describeKey(row: ApiKeyRow): string {
  const { id, name, scopes, expiresAt, revokedAt, allowedAddresses = [], lastUsedAt = null } = row;
  const all = scopes.length === ALL_SCOPES.length ? 'all scopes' : scopes.join(',');
  const day = (instant: number): string => new Date(instant).toISOString();
  const state =
    revokedAt !== null
      ? `revoked ${day(revokedAt)}`
      : expiresAt === null
        ? 'never expires'
        : `${expiresAt <= systemClock.now() ? 'expired' : 'expires'} ${day(expiresAt)}`;
  const from = allowedAddresses.length === 0 ? [] : [`from ${allowedAddresses.join(',')}`];
  const used = lastUsedAt === null ? [] : [`last used ${day(lastUsedAt)}`];
  return [id, name, all, state, ...from, ...used].join('  ');
}

function keyName(text: string): string {
  if (!/^[\x20-\x7e]{1,100}$/.test(text) || text.trim() === '')
    throw new InvalidArgumentError('It needs 1 to 100 printable ASCII characters.');
  return text;
}

function readAddresses(text: string): string[] {
  const entries = text.split(',').map((part) => part.trim());
  for (const entry of entries) {
    const [network = '', bits, ...rest] = entry.split('/');
    const family = isIP(network);
    const widest = family === 6 ? 128 : 32;
    const fits = bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) <= widest);
    if (family === 0 || rest.length > 0 || !fits) {
      throw new InvalidArgumentError('Give addresses or CIDR blocks: 192.0.2.7,2001:db8::/32.');
    }
  }
  return entries;
}

function readScopes(text: string): ApiScope[] {
  const scopes = text.split(',').map((part) => part.trim());
  const known = scopes.filter(isApiScope);
  if (known.length !== scopes.length || known.length === 0) {
    throw new InvalidArgumentError(`The scopes are ${ALL_SCOPES.join(', ')}.`);
  }
  return [...new Set(known)];
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
