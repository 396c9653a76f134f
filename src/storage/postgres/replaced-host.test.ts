import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { seededRandom } from '../../lib/random.ts';
import { statement, systemScope } from '../sql/connection.ts';
import { runAsAdmin } from '../testing/open-test-postgres.ts';
import {
  type LocalPostgresServer,
  startPostgresServer,
  startPromotedCopy,
} from '../testing/postgres-server.ts';
import { NewestHistory } from './newest-history.ts';
import { openPostgres } from './open-postgres.ts';

const portOf = statement('test_port', `select current_setting('port')::int as port`);

describe('NewestHistory', () => {
  const at = (timeline: number, cluster = 'one') => ({ cluster, timeline });

  it('objects to a primary that was replaced, and to one that does not say so any more', () => {
    const newest = new NewestHistory();
    expect(newest.objectionTo(null)).toBeNull();
    expect(newest.objectionTo(at(3))).toBeNull();
    expect(newest.objectionTo(at(4))).toBeNull();
    expect(newest.objectionTo(at(3))).toBe('replaced');
    expect(newest.objectionTo(null)).toBe('silent');
    expect(newest.objectionTo(at(4))).toBeNull();
  });

  it('begins anew with another cluster, as after an upgrade', () => {
    const newest = new NewestHistory();
    expect(newest.objectionTo(at(7))).toBeNull();
    expect(newest.objectionTo(at(1, 'two'))).toBeNull();
    expect(newest.objectionTo(at(2, 'two'))).toBeNull();
  });
});

describe.runIf(process.env.MASKLINE_TEST_POSTGRES === '1')('two primaries of one cluster', () => {
  let former: LocalPostgresServer;
  let present: LocalPostgresServer;
  beforeAll(async () => {
    former = await startPostgresServer();
    await runAsAdmin(former.url, 'create role maskline_app nologin; create role maskline_system nologin');
    await runAsAdmin(former.url, 'grant maskline_app, maskline_system to maskline');
    await former.halt('fast');
    present = await startPromotedCopy(former);
    await former.resume();
  });
  afterAll(async () => {
    await former?.stop();
    await present?.stop();
  });

  const open = (connectionString: string) =>
    openPostgres({ connectionString, clock: systemClock, random: seededRandom(1), acquireTimeoutMs: 1_500 });
  const both = (): string => {
    const [first, second] = [new URL(present.url), new URL(former.url)];
    return present.url.replace(`127.0.0.1:${first.port}`, `${first.host},${second.host}`);
  };

  it('are told apart by their timelines: the former one is not asked when the present one is away', async () => {
    const database = await open(both());
    const port = async () =>
      (await database.run(systemScope, (c) => c.query<{ port: number }>(portOf)))[0]?.port;
    try {
      expect(String(await port())).toBe(new URL(present.url).port);
      await present.halt('crash');
      await expect(port()).rejects.toMatchObject({ code: 'unavailable' });
      await expect(port()).rejects.toMatchObject({ code: 'unavailable' });
      await present.resume();
      await expect.poll(port, { timeout: 20_000 }).toBe(Number(new URL(present.url).port));
    } finally {
      await database.close();
    }
  });

  it('would both do for whoever has not seen the present one', async () => {
    const database = await open(former.url);
    await database.run(systemScope, (c) => c.query(portOf));
    await database.close();
  });
});
