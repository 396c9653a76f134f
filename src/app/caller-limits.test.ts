import { describe, expect, it } from 'vitest';
import { toVirtualNumber } from '../domain/virtual-number.ts';
import { statement, systemScope } from '../storage/sql/connection.ts';
import { describeEachDatabase, type TestDatabase } from '../storage/testing/describe-each-database.ts';
import { recordLegStatus } from './record-leg-status.ts';
import { routeCall } from './route-call.ts';
import type { RoutedCall, RouteQuestion } from './routed-call.ts';
import { ACCOUNT, createWorld, person, type World, type WorldOptions } from './testing/world.ts';

const MINUTE = 60_000;

interface Town {
  readonly world: World;
  /** the customer, person 1, calls the driver, person 2 */
  call(callId: string, change?: Partial<RouteQuestion>): Promise<RoutedCall>;
  /** the driver calls the customer */
  callBack(callId: string): Promise<RoutedCall>;
  answered(callId: string): Promise<void>;
  ended(callId: string, durationSeconds: number): Promise<void>;
}

async function createTown(database: TestDatabase, pool: WorldOptions['pool'] = {}): Promise<Town> {
  const world = await createWorld({ database, pool });
  const { app, tenant, clock } = world;
  const { session } = await world.assign('order-1', [1, 2]);
  const ask = (from: number, to: number, providerCallId: string, change: Partial<RouteQuestion> = {}) =>
    routeCall(app, {
      tenant,
      providerAccount: ACCOUNT,
      providerCallId,
      kind: 'call',
      callingNumber: person(from),
      calledNumber: toVirtualNumber(session?.participants[to]?.virtualNumber ?? ''),
      attestation: null,
      digits: null,
      reportsEnds: true,
      ...change,
    });
  const report = async (
    providerCallId: string,
    legStatus: Parameters<typeof recordLegStatus>[1]['legStatus'],
  ) => {
    const status = { tenant, providerAccount: ACCOUNT, providerCallId, legStatus };
    expect(await recordLegStatus(app, status)).toBe('recorded');
  };
  return {
    world,
    call: (callId, change) => ask(1, 1, callId, change),
    callBack: (callId) => ask(2, 0, callId),
    answered: (callId) => report(callId, { status: 'answered', at: clock.now() }),
    ended: (callId, durationSeconds) =>
      report(callId, {
        status: 'ended',
        at: clock.now(),
        termination: 'completed',
        durationSeconds,
        nativeCause: null,
      }),
  };
}

const ok = (answers: readonly RoutedCall[]) => answers.filter(({ reason }) => reason === 'ok').length;
const parallel = (count: number, call: (i: number) => Promise<RoutedCall>) =>
  Promise.all(Array.from({ length: count }, (_, i) => call(i)));

describeEachDatabase('Limits of a caller', (open) => {
  it('let one of 50 calls through that come at one moment, and the next one when it has ended', async () => {
    const town = await createTown(await open(), { concurrentCallsMax: 1 });
    const answers = await parallel(50, (i) => town.call(`c${i}`));
    expect(ok(answers)).toBe(1);
    expect(answers.filter(({ reason }) => reason === 'rate_limited')).toHaveLength(49);
    // Who is called may call at the same time: the limits are each caller's own.
    expect((await town.callBack('back')).reason).toBe('ok');
    town.world.clock.advance(61 * MINUTE);
    const through = answers.findIndex(({ reason }) => reason === 'ok');
    await town.ended(`c${through}`, 30);
    expect((await town.call('next')).reason).toBe('ok');
  });

  it('let 20 attempts of an hour through, of 50 at one moment, and count the refused ones', async () => {
    const town = await createTown(await open(), { concurrentCallsMax: 20 });
    expect(ok(await parallel(50, (i) => town.call(`c${i}`)))).toBe(20);
    town.world.clock.advance(59 * MINUTE);
    expect((await town.call('too soon')).reason).toBe('rate_limited');
    // The attempts of 59 minutes ago are past, and the refused one is not.
    town.world.clock.advance(2 * MINUTE);
    expect(ok(await parallel(50, (i) => town.call(`d${i}`)))).toBe(19);
  });

  it('cut a call to the talk that is left, and let none begin when nothing is', async () => {
    const town = await createTown(await open(), { totalTalkSecondsMax: 600, maxCallSeconds: 500 });
    expect((await town.call('a')).instruction).toMatchObject({ maxCallSeconds: 500 });
    await town.answered('a');
    await town.ended('a', 480);
    expect((await town.call('b')).instruction).toMatchObject({ maxCallSeconds: 120 });
    await town.ended('b', 115);
    expect((await town.call('c')).reason).toBe('rate_limited');
  });
});

async function delivering(pool: WorldOptions['pool'] = {}): Promise<Town> {
  const { openTestDatabase } = await import('../storage/testing/open-test-database.ts');
  const { onTestFinished } = await import('vitest');
  const database = await openTestDatabase();
  onTestFinished(() => database.close());
  return createTown(database as TestDatabase, pool);
}

describe('what counts', () => {
  it('is a call once, however often it is asked about', async () => {
    const town = await delivering({ hourlyAttemptsMax: 2, concurrentCallsMax: 2 });
    const asked = await parallel(30, () => town.call('the same'));
    expect(ok(asked)).toBe(30);
    expect((await town.call('another')).reason).toBe('ok');
    expect((await town.call('a third')).reason).toBe('rate_limited');
  });

  it('is no text', async () => {
    const town = await delivering({ hourlyAttemptsMax: 1 });
    const texts = await parallel(5, (i) => town.call(`t${i}`, { kind: 'message' }));
    expect(ok(texts)).toBe(5);
    expect((await town.call('the call')).reason).toBe('ok');
  });

  it('is a call whose end never comes, until it must have ended', async () => {
    const town = await delivering({ ringTimeoutSeconds: 30, maxCallSeconds: 600, concurrentCallsMax: 1 });
    await town.call('lost');
    town.world.clock.advance(30_000);
    await town.answered('lost');
    town.world.clock.advance(599_000);
    expect((await town.call('before')).reason).toBe('rate_limited');
    town.world.clock.advance(1_000);
    expect((await town.call('after')).reason).toBe('ok');
  });

  it('is no call under way, where nobody would ever report its end', async () => {
    const town = await delivering();
    expect((await town.call('one', { reportsEnds: false })).reason).toBe('ok');
    expect((await town.call('two', { reportsEnds: false })).reason).toBe('ok');
  });

  it('is not a call that was withdrawn because its decision came too late', async () => {
    const town = await delivering();
    const { app, tenant, clock } = town.world;
    await town.call('late');
    await app.storage.run(tenant, (s) => s.calls.refuse(ACCOUNT, 'late', 'too_late', clock.now()));
    expect((await town.call('again')).reason).toBe('ok');
  });

  it('says so in the record and in the event', async () => {
    const town = await delivering({ hourlyAttemptsMax: 1 });
    await town.call('one');
    await town.call('two');
    const { app, tenant, database } = town.world;
    const recorded = await app.storage.run(tenant, (s) =>
      s.calls.list({ sessionId: null, reference: 'order-1' }, { limit: 2, after: null }),
    );
    expect(recorded.find(({ providerCallId }) => providerCallId === 'two')).toMatchObject({
      reason: 'rate_limited',
      decision: 'announce',
      state: 'refused',
    });
    const events = await database.run(systemScope, (connection) =>
      connection.query<{ type: string; data: { reason?: string } }>(
        statement('test_events', `select type, data from outbox where type like 'call.%' order by id`),
      ),
    );
    expect(events.map(({ type, data }) => [type, data.reason])).toEqual([
      ['call.started', undefined],
      ['call.refused', 'rate_limited'],
    ]);
  });
});
