import { Buffer } from 'node:buffer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorld, type World } from '../../src/app/testing/world.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { openPostgres } from '../../src/storage/postgres/open-postgres.ts';
import type { PostgresDatabase } from '../../src/storage/postgres/postgres-database.ts';
import { openTestPostgres, type TestPostgres } from '../../src/storage/testing/open-test-postgres.ts';
import { KeyRotation } from '../../src/app/advance-rotation.ts';
import { runCommand } from './replica.ts';

/** The master key of test worlds: commands must open what they have sealed. */
const MASTER_KEY = Buffer.alloc(32, 7).toString('base64');
const OTHER_KEY = Buffer.alloc(32, 8).toString('base64');

describe.skipIf(process.env.MASKLINE_TEST_POSTGRES !== '1')('the commands of privacy, on PostgreSQL', () => {
  let server: TestPostgres;
  let database: PostgresDatabase;
  let world: World;
  let environment: Record<string, string>;

  beforeAll(async () => {
    server = await openTestPostgres();
    const connectionString = await server.createDatabase();
    database = await openPostgres({ connectionString, clock: systemClock, random: systemRandom });
    environment = { DATABASE_URL: connectionString, MASKLINE_MASTER_KEY: MASTER_KEY };
    world = await createWorld({ database, numbers: 20 });
    // The world's clock stands in the past; the commands live today.
    world.clock.jumpTo(systemClock.now());
  });
  afterAll(async () => {
    await database?.close();
    await server?.stop();
  });

  const run = async (args: readonly string[], more: Record<string, string> = {}) => {
    const { code, stdout, stderr } = await runCommand(args, { ...environment, ...more });
    return { code, text: stdout + stderr };
  };

  it('add and list tenants, each with keys of its own', async () => {
    expect(await run(['tenants', 'add', 'acme'])).toMatchObject({ code: 0 });
    expect((await run(['tenants', 'add', 'acme'])).text).toContain('already');
    expect((await run(['tenants', 'add', 'Not A Name'])).code).toBe(1);
    expect((await run(['tenants', 'list'])).text.split('\n')).toEqual(
      expect.arrayContaining(['acme', 'default']),
    );
    const made = await run([
      'keys',
      'create',
      'office',
      '--tenant',
      'acme',
      '--from',
      '203.0.113.7/24,2001:db8::/32',
    ]);
    expect(made.text).toMatch(/^mask_.*from 203\.0\.113\.7\/24,2001:db8::\/32/s);
    expect((await run(['keys', 'create', 'x', '--from', '203.0.113.0/33'])).code).toBe(1);
  });

  it('exchange the master key, and refuse a wrong one with what to do', async () => {
    await world.assign('order-1', [1, 2]);
    const wrong = await run(['keys', 'rotate', '--data'], { MASKLINE_MASTER_KEY: OTHER_KEY });
    expect(wrong).toMatchObject({ code: 1, text: expect.stringContaining('MASKLINE_MASTER_KEY_ALSO') });
    const both = { MASKLINE_MASTER_KEY: OTHER_KEY, MASKLINE_MASTER_KEY_ALSO: MASTER_KEY };
    expect((await run(['keys', 'status'], both)).text).toContain('wrapped by another master key');
    expect(await run(['keys', 'rotate', '--master'], both)).toMatchObject({ code: 0 });
    expect((await run(['keys', 'status'], { MASKLINE_MASTER_KEY: OTHER_KEY })).text).not.toContain('another');
    // And back, for the tests after this one.
    const back = { MASKLINE_MASTER_KEY: MASTER_KEY, MASKLINE_MASTER_KEY_ALSO: OTHER_KEY };
    expect(await run(['keys', 'rotate', '--master'], back)).toMatchObject({ code: 0 });
  });

  it('exchange sealing and index keys while calls go on', async () => {
    const opened = await world.assign('order-2', [3, 4]);
    const ddd = opened.session?.participants[1]?.virtualNumber ?? null;
    expect(await run(['keys', 'rotate', '--data'])).toMatchObject({ code: 0 });
    expect(await run(['keys', 'rotate', '--index'])).toMatchObject({ code: 0 });
    expect((await run(['keys', 'rotate', '--index'])).text).toContain('being exchanged');
    const rotation = new KeyRotation(world.app, 30);
    for (let round = 0; round < 12; round++) {
      world.clock.advance(20_000);
      await rotation.advance(world.tenant, new AbortController().signal);
      expect((await world.dial(3, ddd)).reason).toBe('ok');
    }
    world.clock.advance(17 * 60_000);
    await rotation.advance(world.tenant, new AbortController().signal);
    world.clock.advance(5_000);
    expect((await world.dial(3, ddd)).reason).toBe('ok');
    const { text } = await run(['keys', 'status']);
    expect(text).toMatch(/index +destroyed/);
    expect(text).toMatch(/index +active +[1-9][0-9]* rows/);
  });

  it('forget a person, and leave a trail that verifies and names nobody', async () => {
    await world.assign('order-3', { customer: 5, driver: 6 });
    const erased = await run(['erase', '--user', 'customer-5']);
    expect(erased).toMatchObject({
      code: 0,
      text: expect.stringContaining('1 sessions, of which 1 were open'),
    });
    const verified = await run(['audit', 'verify']);
    expect(verified).toMatchObject({ code: 0, text: expect.stringContaining('is whole') });
    const [, head = ''] = /note elsewhere: (\S+)/.exec(verified.text) ?? [];
    expect(await run(['audit', 'verify', '--head', head])).toMatchObject({ code: 0 });
    const later = head.replace(/^[0-9]+/, '9999');
    expect(await run(['audit', 'verify', '--head', later])).toMatchObject({ code: 1 });
    const listed = (await run(['audit', 'list'])).text;
    for (const action of ['user.erased', 'keys.master_rotated', 'keys.data_rotated', 'keys.index_rotated']) {
      expect(listed).toContain(action);
    }
    expect(listed).not.toContain('customer-5');
    await database.asOwner((session) =>
      session.execute(`update maskline.audit set actor = 'nobody' where tenant = 'default' and seq = 2`),
    );
    const broken = await run(['audit', 'verify']);
    expect(broken).toMatchObject({
      code: 1,
      text: expect.stringContaining('broken at row 2: it was changed'),
    });
  });

  it('destroy a key only when it is meant', async () => {
    const { text } = await run(['keys', 'status']);
    const [, id = ''] = /^ *([0-9]+) +seal +[0-9]{4}-\d\d-\d\d +active/m.exec(text) ?? [];
    expect((await run(['keys', 'destroy', id])).text).toContain('say --yes');
    expect(await run(['keys', 'destroy', id, '--yes'])).toMatchObject({ code: 0 });
  });
});
