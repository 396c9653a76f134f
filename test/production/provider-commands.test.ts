import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSimulator } from '../../simulator/start-simulator.ts';
import { POLICY_DEFAULTS, POOL_LIMITS } from '../../src/domain/pool.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { openPostgres } from '../../src/storage/postgres/open-postgres.ts';
import type { PostgresDatabase } from '../../src/storage/postgres/postgres-database.ts';
import { createSqlStorage } from '../../src/storage/sql/sql-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { databaseUrl, runAsAdmin } from '../../src/storage/testing/open-test-postgres.ts';
import { type PostgresServer, startPostgresServer } from '../../src/storage/testing/postgres-server.ts';
import { runCommand } from './replica.ts';

const SECRET = 'the-secret-of-the-account-in-the-tests';
const TENANT = 'default';

let server: PostgresServer;
let simulator: Awaited<ReturnType<typeof startSimulator>>;
let database: PostgresDatabase;
let storage: Storage;
let directory: string;
let credentials: string;
let environment: Record<string, string>;

beforeAll(async () => {
  server = await startPostgresServer();
  await runAsAdmin(server.url, 'create database maskline');
  const url = databaseUrl(server.url, 'maskline');
  environment = {
    DATABASE_URL: url,
    MASKLINE_MASTER_KEY: randomBytes(32).toString('base64'),
    MASKLINE_PUBLIC_URL: 'https://masked.example.com',
  };
  expect((await runCommand(['migrate'], environment)).code).toBe(0);
  simulator = await startSimulator({
    host: '127.0.0.1',
    port: 0,
    stateFile: null,
    clock: systemClock,
    random: systemRandom,
    account: { sharedSecret: SECRET, webhookBase: 'https://elsewhere.example' },
    log: () => undefined,
  });
  directory = await mkdtemp(path.join(tmpdir(), 'maskline-commands-'));
  credentials = path.join(directory, 'credentials.json');
  await writeFile(credentials, JSON.stringify({ baseUrl: simulator.url, sharedSecret: SECRET }));
  database = await openPostgres({
    connectionString: url,
    poolSize: 2,
    clock: systemClock,
    random: systemRandom,
  });
  storage = createSqlStorage(database);
});
afterAll(async () => {
  await database?.close();
  await simulator?.stop();
  await server?.stop();
  if (directory) await rm(directory, { recursive: true, force: true });
});

async function maskline(...args: string[]) {
  const { code, stdout, stderr } = await runCommand(args, environment);
  return { code, said: stdout + stderr };
}

/** The same with something on the standard input. */
async function tell(input: string, ...args: string[]) {
  const child = spawn(process.execPath, ['src/cli.ts', ...args], {
    cwd: fileURLToPath(new URL('../../', import.meta.url)),
    env: { PATH: process.env.PATH, ...environment },
  });
  let said = '';
  child.stdout.on('data', (chunk) => (said += chunk));
  child.stderr.on('data', (chunk) => (said += chunk));
  child.stdin.end(input);
  await once(child, 'close');
  return { code: child.exitCode, said };
}

/** Every line that begins with a number, as the number. */
function numbersIn(text: string): string[] {
  return [...text.matchAll(/^(\+\d+)/gm)].map(([, found]) => found as string);
}

async function addPool(): Promise<void> {
  const seconds = Object.fromEntries(
    Object.entries(POOL_LIMITS).map(([name, limit]) => [name, limit.default]),
  );
  await storage.run(TENANT, (s) =>
    s.pools.insert(
      {
        ...POLICY_DEFAULTS,
        ...(seconds as Record<keyof typeof POOL_LIMITS, number>),
        name: 'city',
        mode: 'dedicated',
        selection: 'avoid_sticky',
        countries: ['US'],
        stock: null,
      },
      systemClock.now(),
    ),
  );
}

describe('maskline providers, numbers and purchases', () => {
  it('explain themselves', async () => {
    for (const args of [['providers'], ['providers', 'add'], ['numbers'], ['numbers', 'import']]) {
      expect(await maskline(...args, '--help')).toMatchObject({
        code: 0,
        said: expect.stringContaining('Usage:'),
      });
    }
  });

  it('say everything that is missing before they do anything', async () => {
    const { code, stderr } = await runCommand(['providers', 'list'], {});
    expect(code).toBe(1);
    for (const words of ['DATABASE_URL', 'MASKLINE_MASTER_KEY', 'MASKLINE_PUBLIC_URL'])
      expect(stderr).toContain(words);
    expect(stderr).not.toContain('KAFKA');
  });

  it('refuse credentials of the wrong shape without repeating them, and an unknown provider', async () => {
    const wrong = path.join(directory, 'wrong.json');
    await writeFile(wrong, JSON.stringify({ baseUrl: simulator.url, sharedSecret: 'hush-hush' }));
    const refused = await maskline('providers', 'add', 'simulator', '--credentials-file', wrong);
    expect(refused).toMatchObject({ code: 1, said: expect.stringContaining('sharedSecret') });
    expect(refused.said).not.toContain('hush-hush');
    const unknown = await maskline('providers', 'add', 'carrier-pigeon', '--credentials-file', credentials);
    expect(unknown).toMatchObject({ code: 1, said: expect.stringContaining('Allowed choices are asterisk') });
    await writeFile(wrong, 'sharedSecret=hush-hush');
    const noJson = await maskline('providers', 'add', 'simulator', '--credentials-file', wrong);
    expect(noJson.said).toContain('not JSON');
    expect(noJson.said).not.toContain('hush-hush');
  });

  it('add an account from the standard input, sealed, and show its webhook URLs once', async () => {
    const add = ['providers', 'add', 'simulator', '--name', 'operator', '--monthly-purchases', '6'];
    const dry = await maskline(...add, '--credentials-file', credentials, '--dry-run');
    expect(dry).toMatchObject({ code: 0, said: expect.stringContaining('Nothing was stored') });
    const { said } = await tell(JSON.stringify({ baseUrl: simulator.url, sharedSecret: SECRET }), ...add);
    expect(said).toMatch(
      /answer {3}https:\/\/masked\.example\.com\/webhooks\/simulator\/acc_\w+\/[\w-]{32}\/answer/,
    );
    expect(said).not.toContain(SECRET);
    const row = await storage.run(TENANT, (s) => s.providerAccounts.get('operator'));
    expect(Buffer.from(row?.sealedCredentials ?? []).toString('latin1')).not.toContain(SECRET);
    expect(JSON.stringify(row?.settings)).not.toContain(SECRET);
    expect((await maskline(...add, '--credentials-file', credentials)).said).toContain('--replace');
    const replaced = await maskline(...add, '--credentials-file', credentials, '--replace');
    expect(replaced.said).toContain(/webhooks\/\S+/.exec(said)?.[0]);
    expect((await maskline('providers', 'test', 'operator')).said).toContain('it holds 0 numbers for us');
  });

  it('let two keys allow more than the budget, and neither one alone nor one of certain addresses', async () => {
    const create = async (name: string, ...more: string[]) =>
      (await maskline('keys', 'create', name, ...more)).said.match(/^\S{30,}$/m)?.[0] ?? '';
    const asker = await create('asker');
    const approver = await create('approver', '--scopes', 'purchases:approve');
    const bound = await create('bound', '--from', '10.0.0.0/8');
    const asked = await tell(asker, 'purchases', 'request', 'operator', '5', '--reason', 'A second city');
    expect(asked).toMatchObject({ code: 0, said: expect.stringContaining('ASKED  5 numbers of "operator"') });
    const [id = ''] = /pap_\w+/.exec(asked.said) ?? [];
    const approve = (key: string) => tell(key, 'purchases', 'approve', id);
    expect(await approve(asker)).toMatchObject({ code: 1, said: expect.stringContaining('another key') });
    expect(await approve(bound)).toMatchObject({
      code: 1,
      said: expect.stringContaining('certain addresses'),
    });
    expect(await approve('mk_of_nobody')).toMatchObject({
      code: 1,
      said: expect.stringContaining('no API key'),
    });
    expect(
      (await tell(approver, 'purchases', 'request', 'operator', '5', '--reason', 'More')).said,
    ).toContain('purchases:request');
    expect((await maskline('purchases', 'list')).said).toContain('ASKED');
    expect((await approve(approver)).said).toContain('APPROVED');
    expect((await approve(approver)).said).toContain('This request is approved');
    // What the tests after this one buy is within the budget as it was.
    const past = `update maskline.purchase_approval set decided_at = decided_at - interval '31 days'`;
    await runAsAdmin(environment.DATABASE_URL ?? '', past);
  });

  it('buy within the budget, import, compare and give back', async () => {
    await addPool();
    const at = ['--account', 'operator'];
    const us = [...at, '--country', 'us'];
    expect(numbersIn((await maskline('numbers', 'search', ...us, '--limit', '3')).said)).toHaveLength(3);
    const provision = ['numbers', 'provision', ...us, '--pool', 'city', '--count'];
    expect((await maskline(...provision, '2', '--dry-run')).said).toContain('Nothing was bought');
    expect((await maskline(...provision, '4')).said).toContain('Bought 4 numbers into pool city.');
    const beyond = await maskline(...provision, '9');
    expect(beyond).toMatchObject({ code: 1, said: expect.stringContaining('maskline providers budget') });
    expect((await maskline('providers', 'list')).said).toContain(
      '6 numbers, stock of no pool; in 30 days 6 bought',
    );

    // Two that the account has had before us, with webhooks of their own.
    const onSale = numbersIn((await maskline('numbers', 'search', ...us)).said).slice(0, 2);
    for (const virtualNumber of onSale) {
      const webhooks = {
        answerUrl: 'https://old.example/a',
        statusUrl: 'https://old.example/s',
        messageUrl: 'https://old.example/m',
      };
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ virtualNumber, ...webhooks });
      expect((await fetch(`${simulator.url}/numbers`, { method: 'POST', headers, body })).status).toBe(201);
    }
    expect((await maskline('numbers', 'sync', ...at, '--dry-run')).said.match(/in no pool/g)).toHaveLength(2);
    expect((await maskline('numbers', 'import', ...at, '--pool', 'city')).said).toContain('give --all');
    expect((await maskline('numbers', 'import', ...at, '--pool', 'city', '--all')).said).toContain(
      'Imported 2 numbers',
    );

    await fetch(`${simulator.url}/numbers/${encodeURIComponent(onSale[0] as string)}`, { method: 'DELETE' });
    const young = await maskline('numbers', 'sync', ...at);
    expect(young.said, 'a number that has just come is given a minute').toContain('withdrew 0');

    // Another address: each is pointed there, but for the one that has vanished.
    const moved = { ...environment, MASKLINE_PUBLIC_URL: 'https://moved.example.com' };
    const repoint = ['numbers', 'sync', ...at, '--repoint'];
    expect((await runCommand([...repoint, '--dry-run'], moved)).stdout).toContain('would be pointed at us');
    const repointed = await runCommand(repoint, moved);
    expect(repointed).toMatchObject({ code: 0, stdout: expect.stringContaining('Pointed 7 of 8 at us.') });
    const after = await fetch(`${simulator.url}/numbers?limit=100`);
    const { data } = (await after.json()) as { data: { answerUrl: string }[] };
    expect(data.map((one) => new URL(one.answerUrl).host)).toEqual(Array(7).fill('moved.example.com'));

    const giveBack = ['numbers', 'decommission', ...at];
    expect((await maskline(...giveBack, onSale[1] as string)).said).toContain('given back');
    const list = await fetch(`${simulator.url}/numbers?limit=100`);
    const listed = (await list.json()) as { data: { virtualNumber: string; answerUrl: string }[] };
    const kept = listed.data.find((one) => one.virtualNumber === onSale[1]);
    expect(kept?.answerUrl).toBe('https://old.example/a');
    expect((await maskline('providers', 'remove', 'operator')).said).toContain('Give them back first');
    expect((await maskline(...giveBack, '--all')).code).toBe(0);
    expect((await maskline('providers', 'remove', 'operator')).code).toBe(0);
    expect((await maskline('providers', 'list')).said).toContain('has no provider account');
    expect(
      (
        await maskline(
          'providers',
          'add',
          'simulator',
          '--name',
          'operator',
          '--credentials-file',
          credentials,
        )
      ).code,
    ).toBe(0);
  });
});
