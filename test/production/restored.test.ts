import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorld } from '../../src/app/testing/world.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { openPostgres } from '../../src/storage/postgres/open-postgres.ts';
import {
  databaseUrl,
  openTestPostgres,
  runAsAdmin,
  type TestPostgres,
} from '../../src/storage/testing/open-test-postgres.ts';
import { Replica } from './replica.ts';

/** The master key of test worlds. */
const MASTER_KEY = Buffer.alloc(32, 7);
const AFTER = { MASKLINE_ROLES: 'api,webhooks', MASKLINE_LOG_LEVEL: 'info' };

describe.skipIf(process.env.MASKLINE_TEST_POSTGRES !== '1')('a backup that was restored (SEC-36)', () => {
  let server: TestPostgres;
  let backup: string;
  let rows: string;

  const keyRows = async (url: string): Promise<string> => {
    const database = await openPostgres({ connectionString: url, clock: systemClock, random: systemRandom });
    const stored = await database.asOwner((session) =>
      session.query({
        name: 'restored_keys',
        text: 'select * from maskline.data_key order by tenant, key_id',
      }),
    );
    await database.close();
    return JSON.stringify(stored);
  };

  beforeAll(async () => {
    server = await openTestPostgres();
    const url = await server.createDatabase();
    const database = await openPostgres({ connectionString: url, clock: systemClock, random: systemRandom });
    const world = await createWorld({ database, numbers: 10 });
    await world.assign('order-1', [1, 2]);
    await database.close();
    // A copy of every file of it, as a base backup would hold.
    const name = new URL(url).pathname.slice(1);
    await runAsAdmin(server.adminUrl, `create database restored template ${name}`);
    backup = databaseUrl(server.adminUrl, 'restored');
    rows = await keyRows(backup);
  });
  afterAll(() => server?.stop());

  it.each([
    ['without a master key', {}, /MASKLINE_MASTER_KEY or MASKLINE_MASTER_KEY_FILE is missing/],
    [
      'with another',
      { MASKLINE_MASTER_KEY: randomBytes(32).toString('base64') },
      /The master key does not open data key \d+ of tenant default .*Nothing was changed/s,
    ],
    [
      'while the key service is down',
      { MASKLINE_MASTER_KEY_COMMAND: 'sh -c exit\\ 1' },
      /The program sh failed with exit code \d+\. Run it by hand to see why/,
    ],
  ])('routes nothing %s, says why, and is left as it was', async (_, keys, reason) => {
    const replica = await Replica.create({ ...AFTER, DATABASE_URL: backup, ...keys } as Record<
      string,
      string
    >);
    const child = replica.spawn();
    await once(child, 'close');
    expect(child.exitCode).toBe(1);
    expect(replica.output).toMatch(reason);
    await expect(replica.ask('GET', '/readyz')).rejects.toThrow();
    expect(await keyRows(backup)).toBe(rows);
  });

  it('routes again with its own', async () => {
    const keys = { MASKLINE_MASTER_KEY: MASTER_KEY.toString('base64') };
    const replica = await Replica.start({ ...AFTER, DATABASE_URL: backup, ...keys });
    expect((await replica.ask('GET', '/readyz')).status).toBe(200);
    expect(await replica.kill('SIGTERM')).toBe(0);
  });
});
