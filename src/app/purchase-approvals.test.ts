import { describe, expect, it } from 'vitest';
import { verifyAudit } from './audit.ts';
import { approvePurchases, declinePurchases, requestPurchases } from './purchase-approvals.ts';
import { replenishPool } from './replenish-pool.ts';
import { accountAt, FakeOperator } from './testing/fake-operator.ts';
import { createWorld, TENANT } from './testing/world.ts';

const DAY = 86_400_000;
const [ANNA, BERT, CARL] = ['key:anna', 'key:bert', 'key:carl'];

/** A pool that wants 40 numbers, at an account that may buy 5. */
async function createTown() {
  const operator = new FakeOperator(0, 300);
  const stock = { providerAccount: 'first', fallbackAccounts: [], lowWater: 40, target: 40, max: 60 };
  const world = await createWorld({ numbers: 0, account: accountAt(operator, 'first'), pool: { stock } });
  const { app, clock } = world;
  await app.storage.run(TENANT, (s) =>
    s.providerAccounts.setBudget('first', { monthlyPurchaseMax: 5, monthlyChurnMax: 8 }),
  );
  const replenish = async () => {
    await replenishPool(app, TENANT, 'city');
    return operator.purchases;
  };
  const listed = () =>
    app.storage.run(TENANT, ({ spend }) => spend.listApprovals({ limit: 50, after: null }));
  const audited = async () => {
    expect((await verifyAudit(app, TENANT)).broken).toBeNull();
    const rows = await app.storage.run(TENANT, ({ audit }) => audit.list(0, 100));
    return rows.map(({ actor, action }) => `${actor} ${action}`).filter((row) => row.includes('purchases'));
  };
  const asked = { tenant: TENANT, providerAccount: 'first', purchases: 10, reason: 'A second city opens' };
  return { app, clock, replenish, listed, audited, asked };
}

describe('purchases beyond the budget (SEC-19d)', () => {
  it('are asked for by the service, and take two keys', async () => {
    const { app, replenish, listed, audited } = await createTown();
    expect([await replenish(), await replenish()]).toEqual([5, 5]);
    const [asked, ...more] = await listed();
    expect(asked).toMatchObject({
      state: 'asked',
      purchases: 35,
      requestedBy: null,
      providerAccount: 'first',
    });
    expect(more).toEqual([]);
    const id = asked?.id ?? '';
    const taken = await approvePurchases(app, { tenant: TENANT, id, actor: ANNA });
    expect(taken).toMatchObject({ state: 'asked', requestedBy: ANNA });
    expect(await replenish()).toBe(5);
    await expect(approvePurchases(app, { tenant: TENANT, id, actor: ANNA })).rejects.toMatchObject({
      code: 'MASK_SECOND_PERSON_NEEDED',
    });
    const approved = await approvePurchases(app, { tenant: TENANT, id, actor: BERT });
    expect(approved).toMatchObject({ state: 'approved', requestedBy: ANNA, decidedBy: BERT });
    expect(await replenish()).toBe(40);
    expect(await audited()).toEqual([
      'service purchases.requested',
      `${ANNA} purchases.taken_up`,
      `${BERT} purchases.approved`,
    ]);
  });

  it('are never approved by whoever asked, however many do so at once', async () => {
    const { app, replenish, asked } = await createTown();
    const { id } = await requestPurchases(app, { ...asked, actor: ANNA });
    const own = Array.from({ length: 10 }, () =>
      approvePurchases(app, { tenant: TENANT, id, actor: ANNA }).then(
        () => 'approved',
        (error) => error.code,
      ),
    );
    expect(new Set(await Promise.all(own))).toEqual(new Set(['MASK_SECOND_PERSON_NEEDED']));
    expect(await replenish()).toBe(5);
    const others = await Promise.allSettled(
      [BERT, CARL].map((actor) => approvePurchases(app, { tenant: TENANT, id, actor })),
    );
    expect(others.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(await replenish()).toBe(15);
  });

  it('count for 30 days, and churn with them', async () => {
    const { app, clock, replenish, asked } = await createTown();
    const { id } = await requestPurchases(app, { ...asked, actor: ANNA });
    expect(await replenish()).toBe(5);
    await approvePurchases(app, { tenant: TENANT, id, actor: BERT });
    expect(await replenish()).toBe(15);
    clock.advance(31 * DAY);
    expect(await replenish()).toBe(20);
  });

  it('are asked one at a time, of accounts that there are', async () => {
    const { app, asked } = await createTown();
    await requestPurchases(app, { ...asked, actor: ANNA });
    await expect(requestPurchases(app, { ...asked, actor: BERT })).rejects.toMatchObject({
      code: 'MASK_ALREADY_EXISTS',
    });
    await expect(
      requestPurchases(app, { ...asked, providerAccount: 'other', actor: BERT }),
    ).rejects.toMatchObject({ code: 'MASK_UNKNOWN_PROVIDER_ACCOUNT' });
  });

  it('expire after a week, and then nobody can approve them', async () => {
    const { app, clock, replenish, listed, audited, asked } = await createTown();
    const { id } = await requestPurchases(app, { ...asked, actor: ANNA });
    clock.advance(7 * DAY);
    await expect(approvePurchases(app, { tenant: TENANT, id, actor: BERT })).rejects.toMatchObject({
      code: 'MASK_APPROVAL_CLOSED',
    });
    expect(await listed()).toMatchObject([{ id, state: 'expired' }]);
    expect(await replenish()).toBe(5);
    expect((await listed())[0]).toMatchObject({ state: 'asked', requestedBy: null });
    expect(await audited()).toEqual([
      `${ANNA} purchases.requested`,
      'service purchases.expired',
      'service purchases.requested',
    ]);
  });

  it('that are declined stay declined, and the service leaves people alone for a day', async () => {
    const { app, clock, replenish, listed } = await createTown();
    await replenish();
    const id = (await listed())[0]?.id ?? '';
    await declinePurchases(app, { tenant: TENANT, id, actor: ANNA });
    await expect(approvePurchases(app, { tenant: TENANT, id, actor: BERT })).rejects.toMatchObject({
      code: 'MASK_APPROVAL_CLOSED',
    });
    await replenish();
    expect(await listed()).toHaveLength(1);
    clock.advance(DAY + 1);
    expect(await replenish()).toBe(5);
    expect(await listed()).toHaveLength(2);
  });
});
