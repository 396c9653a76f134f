import { expect, it } from 'vitest';
import { toVirtualNumber } from '../domain/virtual-number.ts';
import { seededRandom } from '../lib/random.ts';
import { openTestDatabase } from '../storage/testing/open-test-database.ts';
import type { App, ProviderAccount } from './app.ts';
import { routeCall } from './route-call.ts';
import { accountAt, FakeOperator } from './testing/fake-operator.ts';
import { createWorld, person, type World } from './testing/world.ts';

const PAIRS = Number(process.env.MASKLINE_ACCOUNT_PAIRS ?? 1_000);
const AT_ONCE = 50;
const SESSIONS = 8;

interface LiveNumber {
  readonly from: number;
  readonly dialled: string;
  /** that holds it */
  readonly account: string;
}

it(`of ${PAIRS} questions from an account or a tenant that does not hold the number, none is routed (SEC-05)`, async () => {
  const database = await openTestDatabase();
  // The same numbers are live in both tenants, each at one of two accounts, between the same people.
  const worlds: (World & { readonly live: readonly LiveNumber[] })[] = [];
  for (const tenant of ['acme', 'globex']) {
    // By the same names, too; their ids are one of a kind.
    const [account, ...moreAccounts] = (['first', 'second'] as const).map((name) => (app: App) => ({
      ...accountAt(new FakeOperator(0, 300), name)(app),
      id: `${tenant}_${name}`,
    })) as [(app: App) => ProviderAccount, (app: App) => ProviderAccount];
    const pool = { concurrentCallsMax: 20, hourlyAttemptsMax: 200 };
    const world = await createWorld({
      ...{ database, tenant, account, moreAccounts, pool, spread: true, numbers: 4 * SESSIONS },
    });
    const live: LiveNumber[] = [];
    for (let n = 0; n < SESSIONS; n++) {
      const offset = tenant === 'acme' ? 0 : 500;
      const { session } = await world.assign(`order-${n}`, [offset + 2 * n, offset + 2 * n + 1]);
      const dialled = session?.participants[1]?.virtualNumber ?? '';
      const row = await world.app.storage.run(tenant, (s) =>
        s.virtualNumbers.get(toVirtualNumber(dialled) ?? (dialled as never)),
      );
      live.push({ from: offset + 2 * n, dialled, account: row?.providerAccount ?? '' });
    }
    worlds.push({ ...world, live });
  }
  const random = seededRandom(5);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random.next() * values.length)] as T;
  let calls = 0;
  const ask = async (asking: (typeof worlds)[number], account: string, from: number, dialled: string) => {
    const { reason } = await routeCall(asking.app, {
      ...{ tenant: asking.tenant, providerAccount: account, providerCallId: `c${calls++}`, kind: 'call' },
      ...{ callingNumber: person(from), calledNumber: toVirtualNumber(dialled) },
      ...{ attestation: null, digits: null },
    });
    return reason;
  };
  const accounts = ['first', 'second', 'third'];
  const routed: string[] = [];
  for (let n = 0; n < PAIRS; n += AT_ONCE) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        const [asking, holding] = [pick(worlds), pick(worlds)];
        const { from, dialled, account } = pick(holding.live);
        const others = accounts.filter((name) => asking !== holding || name !== account);
        const by = pick(others);
        if ((await ask(asking, by, from, dialled)) === 'ok') routed.push(`${asking.tenant}/${by}`);
      }),
    );
  }
  expect(routed).toEqual([]);
  // And from the account that holds it, each is.
  for (const world of worlds) {
    for (const { from, dialled, account } of world.live) {
      expect(await ask(world, account, from, dialled)).toBe('ok');
    }
  }
  await database.close();
});
