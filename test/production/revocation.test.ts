import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestPostgres, type TestPostgres } from '../../src/storage/testing/open-test-postgres.ts';
import { until } from '../system/product.ts';
import { Replica, runCommand } from './replica.ts';

/** SEC-21, FIG-19. */
const REVOKED_WITHIN_MS = 5_000;

describe.skipIf(process.env.MASKLINE_TEST_POSTGRES !== '1')('a key that is revoked', () => {
  let server: TestPostgres;
  let environment: Record<string, string>;
  const replicas: Replica[] = [];

  beforeAll(async () => {
    server = await openTestPostgres();
    environment = {
      DATABASE_URL: await server.createDatabase(),
      MASKLINE_MASTER_KEY: randomBytes(32).toString('base64'),
      MASKLINE_ROLES: 'api',
    };
    for (const _ of [1, 2]) replicas.push(await Replica.start(environment));
  });
  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.kill('SIGTERM')));
    await server?.stop();
  });

  it('is refused by both replicas within 5 s, though both have just used it', async () => {
    const created = await runCommand(['keys', 'create', 'lost'], environment);
    const key = created.stdout.trim();
    const [, id = ''] = /(key_\S+)/.exec(created.stderr) ?? [];
    const statuses = () =>
      Promise.all(
        replicas.map(async (replica) => (await replica.ask('GET', '/v1/pools', undefined, key)).status),
      );
    expect(await statuses()).toEqual([200, 200]);
    // In use all the while, so that whatever remembers it is as fresh as can be.
    let asking = true;
    const busy = (async () => {
      while (asking) await statuses();
    })();
    const revoked = await runCommand(['keys', 'revoke', id], environment);
    expect(revoked).toMatchObject({ code: 0 });
    // The command has returned: what took it long to start and to stop is no part of the promise.
    const from = performance.now();
    await until('two refusals', async () => (await statuses()).every((status) => status === 401));
    const tookMs = performance.now() - from;
    asking = false;
    await busy;
    console.info(`Revoked on both replicas ${Math.round(tookMs)} ms after the command.`);
    expect(tookMs).toBeLessThan(REVOKED_WITHIN_MS);
    expect(await statuses()).toEqual([401, 401]);
  });
});
