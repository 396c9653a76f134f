import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { App } from '../../src/app/app.ts';
import { readDevConfig } from '../../src/config.ts';
import { DataDirectory } from '../../src/data-directory.ts';
import { ALL_SCOPES } from '../../src/http/scopes.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createId } from '../../src/lib/id.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { SIMULATED_DESTINATIONS } from '../../src/domain/destination.ts';
import { startService } from '../../src/main.ts';
import { createLog } from '../../src/observe/log.ts';
import { hashApiKey } from '../../src/privacy/api-key.ts';
import { type SealedCredentials, webhookBase } from '../../src/providers/provider-accounts.ts';
import { onStopSignals } from '../../src/stop-signals.ts';

// Maskline on embedded parts with one account, `sip`, and a pool of imported numbers: what a trunk owner has after
// the first hour. The address and the secrets of the webhooks are printed as one line of JSON.

export const SIP_POOL = 'sip';
export const SIP_ACCOUNT = 'sip';
export const HOOK_PASSWORD = 'a-password-of-the-reference-edge';

const { SIP_NUMBERS = '60' } = process.env;
const config = readDevConfig(process.env);
const apiKey = config.apiKey ?? 'a-development-key-for-tests';
mkdirSync(config.dataDir, { recursive: true });
const directory = new DataDirectory(path.resolve(config.dataDir), systemRandom);
const log = createLog({ level: config.logLevel, destination: process.stderr });
let hook = '';
const service = await startService({
  config: { ...config, profiles: null },
  masterKey: directory.secretBytes('master.key'),
  migrates: true,
  destinationsDefault: SIMULATED_DESTINATIONS,
  embeddedDirectory: directory.path,
  clock: systemClock,
  random: systemRandom,
  log,
  prepare: async (app) => {
    await makeApiKey(app);
    hook = await makeAccount(app);
  },
});
onStopSignals(log, () => service.stop());
await makePool(Number(SIP_NUMBERS));
process.stdout.write(`${JSON.stringify({ url: service.url, hook, apiKey, password: HOOK_PASSWORD })}\n`);

async function makeApiKey(app: App): Promise<void> {
  const hash = hashApiKey(apiKey);
  if (await app.storage.system.apiKeyByHash(hash)) return;
  const { tenant } = config;
  const id = createId('key', app.clock, app.random);
  const row = { tenant, hash, id, name: 'edge', scopes: [...ALL_SCOPES], expiresAt: null, revokedAt: null };
  await app.storage.run(tenant, (storage) => storage.apiKeys.insert(row, app.clock.now()));
}

async function makeAccount(app: App): Promise<string> {
  const { tenant } = config;
  const keys = await app.vault.keysOf(tenant);
  const known = await app.storage.run(tenant, (storage) => storage.providerAccounts.get(SIP_ACCOUNT));
  const id = known?.id ?? createId('acc', app.clock, app.random);
  const place = { table: 'provider_account', row: id } as const;
  if (known) {
    const { pathSecret } = JSON.parse(keys.openText(known.sealedCredentials, place)) as SealedCredentials;
    return webhookBase(config.publicUrl, known, pathSecret);
  }
  const pathSecret = Buffer.from(systemRandom.bytes(24)).toString('base64url');
  const sealed: SealedCredentials = { pathSecret, credentials: { password: HOOK_PASSWORD } };
  const row = {
    tenant,
    id,
    name: SIP_ACCOUNT,
    provider: 'sip',
    settings: {},
    sealedCredentials: keys.sealText(JSON.stringify(sealed), place),
  };
  await app.storage.run(tenant, (storage) => storage.providerAccounts.insert(row, app.clock.now()));
  return webhookBase(config.publicUrl, row, pathSecret);
}

/**
 * Numbers that Ofcom reserves for drama stand for the trunk's own: +44 1632 960000 to 960999. They are imported
 * through the API, as a trunk owner would.
 */
async function makePool(count: number): Promise<void> {
  const stock = { providerAccount: SIP_ACCOUNT, lowWater: 0, target: 0, max: 5_000 };
  const made = await post('/v1/pools', { name: SIP_POOL, mode: 'shared', countries: ['GB'], stock });
  if (made.status === 409) return;
  if (made.status !== 201) throw new Error(`The pool was refused: ${made.status} ${await made.text()}`);
  for (let n = 0; n < count; n++) {
    const virtualNumber = `+441632960${String(n).padStart(3, '0')}`;
    const number = {
      virtualNumber,
      pool: SIP_POOL,
      providerAccount: SIP_ACCOUNT,
      capabilities: ['voice', 'sms'],
    };
    const imported = await post('/v1/virtual-numbers', number);
    if (imported.status !== 201) throw new Error(`A number was refused: ${imported.status}`);
  }
}

function post(pathname: string, body: object): Promise<Response> {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  return fetch(service.url + pathname, { method: 'POST', headers, body: JSON.stringify(body) });
}
