import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { webhookUrls } from '../app/adopt-number.ts';
import type { ProviderAccount } from '../app/app.ts';
import { decommissionNumber } from '../app/decommission-number.ts';
import { importHeldNumber } from '../app/import-held-number.ts';
import { LIMITS } from '../app/limits.ts';
import { reconcileNumbers } from '../app/reconcile-numbers.ts';
import { replenishPool } from '../app/replenish-pool.ts';
import { accountAt } from '../app/testing/fake-operator.ts';
import { createWorld, type World } from '../app/testing/world.ts';
import { invariant } from '../lib/assert.ts';
import { ManualClock } from '../lib/manual-clock.ts';
import type { PgliteDatabase } from '../storage/pglite/pglite-database.ts';
import { openTestDatabase } from '../storage/testing/open-test-database.ts';
import type { ProviderBench } from './conformance-bench.ts';
import type { OperatorAnswer } from './conformance-gateway.ts';

const MINUTE = 60_000;
const STOCK = { fallbackAccounts: [], lowWater: 6, target: 6, max: 50 };

const TROUBLES: readonly [string, OperatorAnswer][] = [
  ['server errors', { status: 500, body: 'Internal Server Error' }],
  ['pages of HTML', { status: 200, body: '<!doctype html><p>Welcome</p>' }],
  ['halves of answers', { status: 200, body: '{"data":[{"virt' }],
];

/** A pool that is stocked from the provider by the real use cases, on good days and on bad ones. */
export function exerciseStock(name: string, createBench: () => Promise<ProviderBench>): void {
  describe(`${name}: the stock of a pool`, () => {
    let database: PgliteDatabase | null = null;
    let bench: ProviderBench;
    let world: World;
    let clock: ManualClock;
    let account: ProviderAccount;
    let tenants = 0;

    beforeEach(async ({ skip }) => {
      bench = await createBench();
      skip(bench.provider.capabilities.provisioning === 'none', 'The provider sells no numbers.');
      invariant(bench.clock instanceof ManualClock, 'the clock of the bench stands still');
      clock = bench.clock;
      database ??= await openTestDatabase();
      const tenant = `town-${tenants++}`;
      world = await createWorld({
        ...{ database, tenant, clock, numbers: 0 },
        account: accountAt(bench.provider, name, tenant),
        pool: { countries: [bench.operator.country], stock: { providerAccount: name, ...STOCK } },
      });
      const found = await world.app.providerAccounts.byName(tenant, name);
      invariant(found, 'the world has a provider account');
      account = found;
    });
    afterEach(() => bench.close());
    afterAll(() => database?.close());

    const replenish = () => replenishPool(world.app, world.tenant, 'city');
    const requests = () => bench.operator.gateway.requests.length;
    const ours = async (): Promise<string[]> => {
      const page = { limit: 500, after: null };
      const rows = await world.app.storage.run(world.tenant, (s) => s.virtualNumbers.ofAccount(name, page));
      return rows.map((row) => String(row.virtualNumber)).sort();
    };
    const theirs = async (): Promise<string[]> => [...(await bench.operator.held()).keys()].sort();

    it('is bought ahead of need, and serves an order', async () => {
      expect((await replenish()).bought).toBe(STOCK.target);
      expect(await theirs()).toEqual(await ours());
      expect((await world.assign('order-1', [1, 2])).outcome).toBe('opened');
      expect((await replenish()).bought).toBe(2);
      expect(await theirs()).toHaveLength(STOCK.target + 2);
    });

    it('has every number that was paid for, when answers to purchases are lost', async () => {
      const { isPurchase } = bench.operator;
      for (let lost = 0; lost < 3; lost++) {
        bench.operator.gateway.disturb({
          kind: 'lost_answer',
          only: isPurchase ?? (({ method }) => method === 'POST'),
        });
      }
      for (let round = 0; round < 8; round++) {
        await replenish();
        clock.advance(2 * MINUTE);
      }
      expect(await theirs()).toEqual(await ours());
      expect(await ours()).toHaveLength(STOCK.target);
      // Bought is not enough: each must also ask us, whether or not the purchase got as far as that.
      const urls = webhookUrls(account);
      const asked = bench.operator.asksAt?.(urls) ?? urls;
      expect([...(await bench.operator.held()).values()]).toEqual(Array(STOCK.target).fill(asked));
    });

    it('waits as long as the provider asks', async () => {
      bench.operator.gateway.disturb({
        kind: 'answer',
        answer: { status: 429, headers: { 'retry-after': '17' } },
      });
      await replenish();
      const asked = requests();
      for (let second = 0; second < 16; second++) {
        clock.advance(1_000);
        await replenish();
      }
      expect(requests()).toBe(asked);
      clock.advance(1_000);
      await replenish();
      expect(await ours()).toHaveLength(STOCK.target);
    });

    it.each(TROUBLES)(
      'outlives %s: leaves the provider alone after five, and goes on within a minute',
      async (_, answer) => {
        await replenish();
        for (let n = 0; n < 5; n++) bench.operator.gateway.disturb({ kind: 'answer', answer });
        const before = requests();
        // Sessions go on opening from what is there.
        expect((await world.assign('order-1', [1, 2])).outcome).toBe('opened');
        for (let round = 0; round < 9; round++) await replenish();
        expect(requests() - before).toBe(5);
        clock.advance(MINUTE);
        await replenish();
        expect(await ours()).toHaveLength(STOCK.target + 2);
        expect(await theirs()).toEqual(await ours());
      },
    );

    it('does not wait for a provider that never answers', async () => {
      bench.operator.gateway.disturb({ kind: 'silence' });
      const arrived = bench.operator.gateway.arrival();
      const replenishing = replenish();
      await arrived;
      clock.advance(LIMITS.providerTimeoutMs);
      expect((await replenishing).bought).toBe(0);
      expect((await replenish()).bought).toBe(STOCK.target);
    });

    it('loses what vanishes at the provider, and its sessions get other numbers', async () => {
      await replenish();
      const { session } = await world.assign('order-1', [1, 2]);
      clock.advance(2 * MINUTE);
      const gone = session?.participants[1]?.virtualNumber;
      const held = await bench.provider.listNumbers(new AbortController().signal);
      const lost = held.find((one) => one.virtualNumber === gone);
      invariant(lost, 'the provider does not list a number of a session');
      await bench.provider.decommissionNumber(lost, new AbortController().signal);
      expect(await reconcileNumbers(world.app, account)).toMatchObject({ withdrawn: 1, alarm: false });
      expect((await world.dial(1, lost.virtualNumber)).reason).toBe('unknown_number');
      const now = await world.app.storage.run(world.tenant, (s) => s.sessions.get(session?.id ?? ''));
      const replacement = now?.participants[1]?.virtualNumber ?? null;
      expect(replacement).not.toBe(lost.virtualNumber);
      expect((await world.dial(1, replacement)).reason).toBe('ok');
    });

    it('gives back what was bought, and puts back the webhooks of what was imported', async () => {
      await bench.operator.sell(1);
      const before = await bench.operator.held();
      const [imported] = await bench.provider.listNumbers(new AbortController().signal);
      invariant(imported, 'the operator has sold nothing');
      await importHeldNumber(world.app, account, { held: imported, pool: 'city' });
      await replenish();
      expect(await theirs()).toEqual(await ours());
      for (const virtualNumber of await ours()) {
        const row = await decommissionNumber(world.app, {
          tenant: world.tenant,
          virtualNumber: virtualNumber as typeof imported.virtualNumber,
        });
        expect(row?.state).toBe('decommissioned');
      }
      expect(await bench.operator.held()).toEqual(before);
    });
  });
}
