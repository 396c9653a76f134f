import { describe, expect, it } from 'vitest';
import type { LegStatus } from '../domain/call.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import { ProviderError } from '../providers/provider.ts';
import { closeOverdueCalls } from './close-overdue-calls.ts';
import { closeSession } from './close-session.ts';
import { recordLegStatus } from './record-leg-status.ts';
import { settleQuietCalls } from './settle-quiet-calls.ts';
import { accountAt, FakeOperator } from './testing/fake-operator.ts';
import { createWorld, TENANT } from './testing/world.ts';

const SECOND = 1_000;

async function createTalk(pool: object = {}) {
  const operator = new FakeOperator(500, 10);
  const world = await createWorld({
    account: accountAt(operator, 'first'),
    pool: { maxCallSeconds: 1_200, ...pool },
  });
  const { app, clock } = world;
  const { session } = await world.assign('order-1', [1, 2]);
  const startedAt = clock.now();
  const dialled = session?.participants[1]?.virtualNumber ?? null;
  const { callId } = await world.dial(1, dialled, 'call-1');
  return {
    app,
    dialled,
    sessionId: session?.id ?? '',
    clock,
    operator,
    startedAt,
    report: (legStatus: LegStatus) =>
      recordLegStatus(app, { tenant: TENANT, providerAccount: 'first', providerCallId: 'call-1', legStatus }),
    ended: (afterSeconds: number, durationSeconds: number | null) => ({
      status: 'ended' as const,
      at: startedAt + afterSeconds * SECOND,
      termination: 'completed' as const,
      durationSeconds,
      nativeCause: 'completed',
    }),
    record: async () => {
      const [call, ...more] = await app.storage.run(TENANT, (s) =>
        s.calls.list({ sessionId: null, reference: null }, { limit: 10, after: null }),
      );
      expect(more).toEqual([]);
      expect(call?.id).toBe(callId);
      return call;
    },
    announced: async () =>
      (await app.storage.system.outboxOldest(100)).filter(({ event }) => event.type === 'call.ended').length,
  };
}

describe('one call, one record, whatever the callbacks do (INV-25, FLT-31)', () => {
  it('has the right duration when they come in the wrong order and twice', async () => {
    const t = await createTalk();
    await t.report(t.ended(70, 60));
    await t.report({ status: 'answered', at: t.startedAt + 10 * SECOND });
    await t.report({ status: 'ringing', at: t.startedAt + 2 * SECOND });
    await t.report(t.ended(70, 60));
    await t.report(t.ended(71, 61));
    expect(await t.record()).toMatchObject({ state: 'ended', durationSeconds: 60, termination: 'completed' });
    expect(await t.announced()).toBe(1);
  });

  it('is one record with every fact when they all come at the same moment', async () => {
    const t = await createTalk();
    const outcomes = await Promise.all([
      t.report(t.ended(70, 60)),
      t.report({ status: 'answered', at: t.startedAt + 10 * SECOND }),
      t.report({ status: 'ringing', at: t.startedAt + 2 * SECOND }),
      t.report(t.ended(70, 60)),
    ]);
    expect(outcomes.sort()).toEqual(['known', 'recorded', 'recorded', 'recorded']);
    expect(await t.record()).toMatchObject({
      state: 'ended',
      ringingAt: t.startedAt + 2 * SECOND,
      answeredAt: t.startedAt + 10 * SECOND,
      endedAt: t.startedAt + 70 * SECOND,
      durationSeconds: 60,
    });
    expect(await t.announced()).toBe(1);
  });

  it('lets the numbers rest from the end of the call when its session closes while that is reported (INV-26)', async () => {
    const t = await createTalk({ numberQuarantineSeconds: 60, pairQuarantineSeconds: 60 });
    const { storage } = t.app;
    let reads = 0;
    const closing: typeof storage.run = async (tenant, work, patience) => {
      const read = await storage.run(tenant, work, patience);
      if (patience === 'patient' && reads++ === 0)
        await closeSession(t.app, { tenant, sessionId: t.sessionId, reason: 'cancelled' });
      return read;
    };
    t.clock.advance(70 * SECOND);
    const legStatus = t.ended(70, 60);
    const params = { tenant: TENANT, providerAccount: 'first', providerCallId: 'call-1', legStatus };
    const app = { ...t.app, storage: { ...storage, run: closing } };
    expect(await recordLegStatus(app, params)).toBe('recorded');
    const inUse = () =>
      storage.run(TENANT, (s) => s.virtualNumbers.inUse(t.dialled as VirtualNumber, t.clock.now()));
    t.clock.advance(59 * SECOND);
    expect(await inUse()).toBe(true);
    t.clock.advance(2 * SECOND);
    expect(await inUse()).toBe(false);
  });

  it('asks the provider when the end never comes, within ten minutes of it', async () => {
    const t = await createTalk();
    await t.report({ status: 'answered', at: t.startedAt + 10 * SECOND });
    for (let minute = 0; minute < 3; minute++) {
      t.clock.advance(60 * SECOND);
      expect(await settleQuietCalls(t.app)).toBe(0);
    }
    t.operator.ends.set('call-1', t.ended(100, 90));
    let minutes = 0;
    for (; (await t.record())?.state !== 'ended'; minutes++) {
      expect(minutes).toBeLessThan(10);
      t.clock.advance(60 * SECOND);
      await settleQuietCalls(t.app);
    }
    expect(await t.record()).toMatchObject({
      durationSeconds: 90,
      termination: 'completed',
      endedAt: t.startedAt + 100 * SECOND,
    });
    expect(await t.announced()).toBe(1);
  });

  it('asks about a call every four minutes and not more often', async () => {
    const t = await createTalk();
    for (let look = 0; look < 32; look++) {
      t.clock.advance(30 * SECOND);
      await settleQuietCalls(t.app);
    }
    expect(t.operator.requests).toBe(4);
  });

  it('estimates, and says so, when nobody knows how it ended; a late report sets it right', async () => {
    const t = await createTalk();
    await t.report({ status: 'answered', at: t.startedAt + 10 * SECOND });
    t.clock.advance(2_000 * SECOND);
    expect(await closeOverdueCalls(t.app)).toBe(1);
    expect(await t.record()).toMatchObject({ termination: 'unreported', durationSeconds: 1_200 });
    await t.report(t.ended(40, 30));
    expect(await t.record()).toMatchObject({ termination: 'completed', durationSeconds: 30 });
  });

  it('asks once more before it estimates', async () => {
    const t = await createTalk();
    t.operator.ends.set('call-1', t.ended(55, 45));
    t.clock.advance(2_000 * SECOND);
    expect(await closeOverdueCalls(t.app)).toBe(1);
    expect(await t.record()).toMatchObject({ termination: 'completed', durationSeconds: 45 });
  });

  it('waits for a provider that cannot answer now, but not for ever', async () => {
    const t = await createTalk();
    t.operator.broken = new ProviderError('unavailable', 'Down.');
    t.clock.advance((1_200 + 25 + 121) * SECOND);
    expect(await closeOverdueCalls(t.app)).toBe(0);
    t.clock.advance(300 * SECOND);
    expect(await closeOverdueCalls(t.app)).toBe(1);
    expect(await t.record()).toMatchObject({ termination: 'unreported', durationSeconds: 0 });
  });
});

describe('recording (SEC-45)', () => {
  it('is in no instruction unless the pool says so, and then with the sentence, also when asked again', async () => {
    for (const recording of [null, { consent: 'This call is recorded.' }]) {
      const operator = new FakeOperator(500, 10);
      const world = await createWorld({ account: accountAt(operator, 'first'), pool: { recording } });
      const { session } = await world.assign('order-1', [1, 2]);
      const dialled = session?.participants[1]?.virtualNumber ?? null;
      for (const _ of [1, 2]) {
        const { instruction } = await world.dial(1, dialled, 'call-1');
        expect(instruction.decision === 'bridge' && (instruction.recording ?? null)).toEqual(recording);
      }
    }
  });

  it('is refused to a pool with an account that cannot record', async () => {
    const operator = new FakeOperator(500, 10);
    operator.capabilities = { ...operator.capabilities, recording: false };
    const pool = {
      recording: { consent: 'This call is recorded.' },
      stock: { providerAccount: 'first', fallbackAccounts: [], lowWater: 0, target: 0, max: 0 },
    };
    await expect(createWorld({ account: accountAt(operator, 'first'), pool })).rejects.toMatchObject({
      code: 'MASK_INVALID_REQUEST',
      message: expect.stringContaining('"first" cannot record'),
    });
    await expect(
      createWorld({ account: accountAt(operator, 'first'), pool: { ...pool, stock: null } }),
    ).rejects.toThrow('"first" cannot record');
  });
});
