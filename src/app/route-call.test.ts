import { describe, expect, it } from 'vitest';
import { statement, systemScope } from '../storage/sql/connection.ts';
import type { App } from './app.ts';
import { closeSession } from './close-session.ts';
import { LIMITS } from './limits.ts';
import { recordLegStatus } from './record-leg-status.ts';
import { routeCall } from './route-call.ts';
import type { RoutedCall } from './routed-call.ts';
import { ACCOUNT, createWorld, person, virtualNumber, type World } from './testing/world.ts';

interface Delivery {
  readonly world: World;
  readonly sessionId: string;
  /** what the customer, person 1, dials to reach the driver, person 2 */
  readonly ddd: string;
}

async function delivering(options: Parameters<typeof createWorld>[0] = {}): Promise<Delivery> {
  const world = await createWorld(options);
  const { session } = await world.assign('order-1', [1, 2]);
  const ddd = session?.participants[1]?.virtualNumber;
  if (!session || !ddd) throw new Error('The session did not open.');
  return { world, sessionId: session.id, ddd };
}

const reveals = (routed: RoutedCall): boolean => routed.instruction.decision === 'bridge';

async function calls(world: World) {
  return world.app.storage.run(world.tenant, (s) =>
    s.calls.list({ sessionId: null, reference: null }, { limit: 100, after: null }),
  );
}

describe('a question that is asked again', () => {
  it('gets the same answer fifty times at once, and one record', async () => {
    const { world, ddd } = await delivering();
    const answers = await Promise.all(Array.from({ length: 50 }, () => world.dial(1, ddd, 'one-call')));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers.every(reveals)).toBe(true);
    expect(await calls(world)).toHaveLength(1);
  });

  it('is worth nothing to whoever captured it: not later, not after the end, not from another phone', async () => {
    const { world, ddd } = await delivering();
    await world.dial(1, ddd, 'captured');
    world.clock.advance(59_000);
    expect(reveals(await world.dial(1, ddd, 'captured'))).toBe(true);
    expect(reveals(await world.dial(3, ddd, 'captured'))).toBe(false);
    expect(reveals(await world.dial(1, virtualNumber(9), 'captured'))).toBe(false);
    world.clock.advance(2_000);
    expect(reveals(await world.dial(1, ddd, 'captured'))).toBe(false);

    await world.dial(1, ddd, 'hung up');
    await recordLegStatus(world.app, {
      tenant: world.tenant,
      providerAccount: ACCOUNT,
      providerCallId: 'hung up',
      legStatus: {
        status: 'ended',
        at: world.clock.now(),
        termination: 'completed',
        durationSeconds: 3,
        nativeCause: null,
      },
    });
    expect(reveals(await world.dial(1, ddd, 'hung up'))).toBe(false);
  });

  it('reveals nothing once the session is closed, although the first answer did', async () => {
    const { world, sessionId, ddd } = await delivering();
    expect(reveals(await world.dial(1, ddd, 'before'))).toBe(true);
    await closeSession(world.app, { tenant: world.tenant, sessionId, reason: 'cancelled' });
    expect(await world.dial(1, ddd, 'before')).toMatchObject({ reason: 'session_ended' });
  });
});

describe('an answer that would come too late', () => {
  /** Storage that takes its time with everything until `release` is called. */
  function slowed(app: App): { app: App; release: () => void } {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const storage: App['storage'] = {
      ...app.storage,
      run: async (tenant, work) => {
        await gate;
        return app.storage.run(tenant, work);
      },
    };
    return { app: { ...app, storage }, release };
  }

  it('is the neutral sentence when the time for a decision is over, and what was decided since is never told', async () => {
    const { world, ddd } = await delivering();
    const slow = slowed(world.app);
    const question = {
      tenant: world.tenant,
      providerAccount: ACCOUNT,
      providerCallId: 'late',
      kind: 'call',
      callingNumber: person(1),
      calledNumber: ddd as never,
      attestation: null,
      digits: null,
    } as const;
    const asked = routeCall(slow.app, question);
    // The keys are loaded before storage is asked for the route.
    await world.app.vault.keysOf(world.tenant);
    world.clock.advance(LIMITS.decisionDeadlineMs);
    expect(await asked).toMatchObject({
      reason: 'too_late',
      instruction: { decision: 'announce', announcement: 'neutral' },
    });
    slow.release();
    await expect.poll(async () => (await calls(world))[0]?.reason).toBe('too_late');
    expect(reveals(await world.dial(1, ddd, 'late'))).toBe(false);
    const announced = await world.app.storage.system.outboxOldest(100);
    const told = announced.filter((row) => row.event.type.startsWith('call.')).map((row) => row.event.type);
    expect(told.slice(0, 2)).toEqual(['call.started', 'call.refused']);
  });

  it('counts what the question has waited before it was read', async () => {
    const { world, ddd } = await delivering();
    const slow = slowed(world.app);
    const question = {
      tenant: world.tenant,
      providerAccount: ACCOUNT,
      providerCallId: 'waited',
      kind: 'call',
      callingNumber: person(1),
      calledNumber: ddd as never,
      attestation: null,
      digits: null,
      waitedMs: LIMITS.decisionDeadlineMs - 40,
    } as const;
    let routed: RoutedCall | null = null;
    const asked = routeCall(slow.app, question).then((answer) => (routed = answer));
    await world.app.vault.keysOf(world.tenant);
    world.clock.advance(39);
    await new Promise((resolve) => setImmediate(resolve));
    expect(routed).toBeNull();
    world.clock.advance(1);
    expect(await asked).toMatchObject({ reason: 'too_late' });
    slow.release();
    await expect.poll(async () => (await calls(world))[0]?.reason).toBe('too_late');
  });

  it('is the neutral sentence at once when storage fails', async () => {
    const { world, ddd } = await delivering();
    const broken: App = {
      ...world.app,
      storage: { ...world.app.storage, run: () => Promise.reject(new Error('no database')) },
    };
    const routed = await routeCall(broken, {
      tenant: world.tenant,
      providerAccount: ACCOUNT,
      providerCallId: 'broken',
      kind: 'call',
      callingNumber: person(1),
      calledNumber: ddd as never,
      attestation: null,
      digits: null,
    });
    expect(routed).toMatchObject({
      callId: null,
      instruction: { decision: 'announce', announcement: 'neutral' },
    });
  });
});

describe('what is stored of a call', () => {
  it('holds nobody’s number, and a route that was tampered with connects nobody', async () => {
    const { world, ddd } = await delivering();
    await world.dial(1, ddd, 'kept');
    const record = JSON.stringify(await calls(world));
    expect(record).not.toContain(person(1).reveal());
    expect(record).not.toContain(person(2).reveal());
    // The two routes of the session exchange their sealed destinations.
    await world.database.run(systemScope, (connection) =>
      connection.query(
        statement(
          'test_swap',
          `update route r set sealed_destination = other.sealed_destination from route other
            where other.session_id = r.session_id and other.virtual_number <> r.virtual_number`,
        ),
      ),
    );
    expect(await world.dial(1, ddd, 'swapped')).toMatchObject({
      instruction: { decision: 'announce', announcement: 'neutral' },
    });
  });

  it('has one end, however often and in whatever order the provider reports it', async () => {
    const { world, ddd } = await delivering();
    await world.dial(1, ddd, 'reported');
    const start = world.clock.now();
    const report = (legStatus: Parameters<typeof recordLegStatus>[1]['legStatus']) =>
      recordLegStatus(world.app, {
        tenant: world.tenant,
        providerAccount: ACCOUNT,
        providerCallId: 'reported',
        legStatus,
      });
    const end = {
      status: 'ended',
      at: start + 65_000,
      termination: 'completed',
      durationSeconds: 60,
      nativeCause: 'normal',
    } as const;
    expect(await report(end)).toBe('recorded');
    expect(await report({ status: 'answered', at: start + 5_000 })).toBe('recorded');
    expect(await report({ status: 'ringing', at: start + 1_000 })).toBe('recorded');
    expect(await report(end)).toBe('known');
    const [call] = await calls(world);
    expect(call).toMatchObject({
      state: 'ended',
      durationSeconds: 60,
      answeredAt: start + 5_000,
      ringingAt: start + 1_000,
    });
  });
});
