import { describe, expect, it } from 'vitest';
import type { LegStatus } from '../domain/call.ts';
import { spendWatch } from '../jobs/spend-watch.ts';
import { systemScope } from '../storage/sql/connection.ts';
import { CallCaps, type CallCapPolicy, HOUR_MS, hourOf } from './call-caps.ts';
import { liftCallCap } from './lift-call-cap.ts';
import { recordLegStatus } from './record-leg-status.ts';
import { routeCall } from './route-call.ts';
import { ACCOUNT, createWorld, person, TENANT, type World } from './testing/world.ts';

const MANY = 1_000_000;
const callsOfTenant = (calls: number): CallCapPolicy => ({
  tenant: { calls, minutes: MANY },
  providerAccount: null,
});

/** A replica on the world's database, with caps of its own. */
function replica(world: World, policy: CallCapPolicy) {
  const app = { ...world.app, callCaps: new CallCaps(world.app, policy) };
  let asked = 0;
  const name = `replica-${Math.floor(world.app.random.next() * 1e9)}`;
  return {
    app,
    dial: async (from: number, dialled: string | null, callId = `${name}-${asked++}`) =>
      routeCall(app, {
        tenant: TENANT,
        providerAccount: ACCOUNT,
        providerCallId: callId,
        kind: 'call',
        callingNumber: person(from),
        calledNumber: dialled as never,
        attestation: null,
        digits: null,
      }),
  };
}

const generous = { concurrentCallsMax: 20, hourlyAttemptsMax: 200, sessionTtlSeconds: 86_400 } as const;

async function openOrder() {
  const world = await createWorld({ pool: generous });
  const { session } = await world.assign('order-1', [1, 2]);
  return { world, toDriver: session?.participants[1]?.virtualNumber ?? null };
}

const events = (world: World) =>
  world.database.transaction(systemScope, (connection) =>
    connection.query<{ type: string; data: object }>({
      name: 'cap_events',
      text: `select type, data from outbox where type like 'call_cap.%' order by id`,
    }),
  );

describe('caps on calls', () => {
  it('stops a burst of 50 calls at the cap: SEC-19b', async () => {
    const { world, toDriver } = await openOrder();
    const { dial } = replica(world, callsOfTenant(10));
    const burst = await Promise.all(Array.from({ length: 50 }, () => dial(1, toDriver)));
    expect(burst.filter(({ reason }) => reason === 'ok')).toHaveLength(10);
    expect(burst.filter(({ reason }) => reason === 'rate_limited')).toHaveLength(40);
    expect(burst.find(({ reason }) => reason === 'rate_limited')?.instruction).toEqual({
      decision: 'announce',
      announcement: 'neutral',
    });
    expect(await events(world)).toEqual([
      {
        type: 'call_cap.reached',
        data: {
          providerAccount: null,
          measure: 'calls',
          until: new Date(hourOf(world.clock.now()) + HOUR_MS).toISOString(),
        },
      },
    ]);
  });

  it.each([10, 100, 777])('connects exactly %i of a cap over three replicas', async (cap) => {
    const { world, toDriver } = await openOrder();
    const replicas = [1, 2, 3].map(() => replica(world, callsOfTenant(cap)));
    let connected = 0;
    for (const each of replicas) {
      // Straight to the caps: the limits of one caller would come first.
      for (let n = 0; n < cap; n++) {
        if (await each.app.callCaps.admit(TENANT, ACCOUNT)) connected++;
        if (n % 50 === 0) await world.clock.advance(1);
      }
    }
    expect(connected).toBe(cap);
    expect((await replicas[0]?.dial(1, toDriver))?.reason).toBe('rate_limited');
    expect(await events(world)).toHaveLength(1);
  });

  /** Storage that answers when it is told to, and counts what it is asked. */
  function held(world: World) {
    let asked = 0;
    let gate = Promise.resolve();
    const storage: World['app']['storage'] = {
      ...world.app.storage,
      run: async (tenant, work) => {
        asked++;
        await gate;
        return world.app.storage.run(tenant, work);
      },
    };
    return {
      storage,
      asked: () => asked,
      /** from now on nothing is answered until it is called */
      hold: () => {
        let release = (): void => {};
        gate = new Promise((resolve) => {
          release = resolve;
        });
        return release;
      },
    };
  }

  it('asks again while calls go by what is known, and lets them wait when that is a second old', async () => {
    const { world } = await openOrder();
    const slow = held(world);
    const caps = new CallCaps(
      { ...world.app, storage: slow.storage },
      { tenant: { calls: MANY, minutes: MANY }, providerAccount: { calls: MANY, minutes: MANY } },
    );
    expect(await caps.admit(TENANT, ACCOUNT)).toBe(true);
    const before = slow.asked();
    const release = slow.hold();
    world.clock.advance(500);
    // Both are asked about, once, and neither is waited for.
    for (let n = 0; n < 9; n++) expect(await caps.admit(TENANT, ACCOUNT)).toBe(true);
    expect(slow.asked() - before).toBe(2);
    world.clock.advance(500);
    let isAdmitted: boolean | null = null;
    const admitting = caps.admit(TENANT, ACCOUNT).then((admitted) => (isAdmitted = admitted));
    await new Promise((resolve) => setImmediate(resolve));
    expect([isAdmitted, slow.asked() - before]).toEqual([null, 2]);
    release();
    await admitting;
    expect(isAdmitted).toBe(true);
  });

  it('asks storage once for many calls while much is left', async () => {
    const { world } = await openOrder();
    const { app } = replica(world, callsOfTenant(MANY));
    let asked = 0;
    const { run } = world.app.storage;
    const counting = new CallCaps(
      {
        ...app,
        storage: {
          ...app.storage,
          run: (tenant, work) => {
            asked++;
            return run(tenant, work);
          },
        },
      },
      callsOfTenant(MANY),
    );
    for (let n = 0; n < 1_000; n++) expect(await counting.admit(TENANT, ACCOUNT)).toBe(true);
    expect(asked).toBe(2);
  });

  it('caps an account and leaves the tenant what it did not use', async () => {
    const { world } = await openOrder();
    const { app } = replica(world, {
      tenant: { calls: 5, minutes: MANY },
      providerAccount: { calls: 2, minutes: MANY },
    });
    const admit = (account: string) => app.callCaps.admit(TENANT, account);
    expect(await Promise.all([1, 2, 3].map(() => admit('one')))).toEqual([true, true, false]);
    expect(await Promise.all([1, 2, 3].map(() => admit('two')))).toEqual([true, true, false]);
    expect(await admit('three')).toBe(true);
    expect(await admit('three')).toBe(false);
  });

  it('begins anew with the hour, and says so', async () => {
    const { world, toDriver } = await openOrder();
    const { app, dial } = replica(world, callsOfTenant(1));
    const watch = spendWatch(app, { holder: 'test' });
    await dial(1, toDriver);
    expect((await dial(1, toDriver)).reason).toBe('rate_limited');
    await watch.run(new AbortController().signal);
    expect(await metric(world)).toContain('maskline_call_cap_open{tenant="default",account=""} 1');
    await world.clock.advance(hourOf(world.clock.now()) + HOUR_MS - world.clock.now());
    await watch.run(new AbortController().signal);
    expect(await metric(world)).not.toContain('maskline_call_cap_open{');
    expect((await dial(1, toDriver)).reason).toBe('ok');
    expect((await events(world)).map(({ type, data }) => ({ type, ...data }))).toMatchObject([
      { type: 'call_cap.reached' },
      { type: 'call_cap.lifted', by: 'hour', providerAccount: null },
    ]);
  });

  it('is lifted by command, once more the cap, on every replica within a second', async () => {
    const { world, toDriver } = await openOrder();
    const replicas = [1, 2].map(() => replica(world, callsOfTenant(1)));
    expect((await replicas[0]?.dial(1, toDriver))?.reason).toBe('ok');
    for (const { dial } of replicas) expect((await dial(1, toDriver)).reason).toBe('rate_limited');
    expect(await liftCallCap(world.app, TENANT, null)).toBe(true);
    expect(await liftCallCap(world.app, TENANT, 'unheard-of')).toBe(false);
    await world.clock.advance(1_000);
    expect((await replicas[1]?.dial(1, toDriver))?.reason).toBe('ok');
    expect((await replicas[1]?.dial(1, toDriver))?.reason).toBe('rate_limited');
  });

  it('takes nothing for a repeated question, nor for a call that another limit refuses', async () => {
    const { world, toDriver } = await openOrder();
    const { dial } = replica(world, callsOfTenant(21));
    for (let n = 0; n < 30; n++) expect((await dial(1, toDriver, 'the-same')).reason).toBe('ok');
    expect((await dial(1, toDriver)).reason).toBe('ok');
    expect((await dial(3, toDriver)).reason).toBe('unknown_caller');
    for (let n = 0; n < 19; n++) expect((await dial(1, toDriver)).reason).toBe('ok');
    expect((await dial(1, toDriver)).reason).toBe('rate_limited');
  });

  it('stops at minutes talked, of calls that run and of those that ended, within seconds', async () => {
    const { world, toDriver } = await openOrder();
    const { app, dial } = replica(world, { tenant: { calls: MANY, minutes: 10 }, providerAccount: null });
    const watch = spendWatch(app, { holder: 'test' });
    const report = (callId: string, legStatus: LegStatus) =>
      recordLegStatus(app, { tenant: TENANT, providerAccount: ACCOUNT, providerCallId: callId, legStatus });
    const answered = async (callId: string) => {
      expect((await dial(1, toDriver, callId)).reason).toBe('ok');
      await report(callId, { status: 'answered', at: world.clock.now() });
    };
    await world.clock.advance(hourOf(world.clock.now()) + HOUR_MS - world.clock.now());
    await answered('long');
    await world.clock.advance(4 * 60_000);
    await report('long', {
      status: 'ended',
      at: world.clock.now(),
      termination: 'completed',
      durationSeconds: 240,
      nativeCause: null,
    });
    await answered('running');
    await world.clock.advance(5 * 60_000);
    await watch.run(new AbortController().signal);
    expect((await dial(1, toDriver)).reason).toBe('ok');
    await world.clock.advance(60_000);
    await watch.run(new AbortController().signal);
    expect((await dial(1, toDriver)).reason).toBe('rate_limited');
    expect(await events(world)).toMatchObject([{ data: { measure: 'minutes' } }]);
  });
});

async function metric(world: World): Promise<string> {
  return world.app.metrics.registry.getSingleMetricAsString('maskline_call_cap_open');
}
