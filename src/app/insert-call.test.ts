import { describe, expect, it } from 'vitest';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { TenantStorage } from '../storage/storage.ts';
import { StorageError } from '../storage/storage-error.ts';
import type { App } from './app.ts';
import { routeCall } from './route-call.ts';
import type { RouteQuestion } from './routed-call.ts';
import { ACCOUNT, createWorld, person, type World } from './testing/world.ts';
import { withdrawCall } from './withdraw-late.ts';

/** Turns of the event loop: many times what the three statements at most take that follow an answer. */
const SETTLED_TURNS = 500;

/** An app whose database commits the record of a call, or not, and then breaks the connection, so many times. */
function breaking(app: App, times: number, commits: boolean): App {
  let left = times;
  const storage: App['storage'] = {
    ...app.storage,
    run: (tenant, work) =>
      app.storage.run(tenant, (given) => {
        const calls: TenantStorage['calls'] = {
          ...given.calls,
          async insert(...args) {
            if (left-- <= 0) return given.calls.insert(...args);
            if (commits) await given.calls.insert(...args);
            throw new StorageError('commit_unknown', 'The connection broke.');
          },
        };
        const get = (target: TenantStorage, key: string | symbol): unknown =>
          key === 'calls' ? calls : Reflect.get(target, key);
        return work(new Proxy(given, { get }));
      }),
  };
  return { ...app, storage };
}

/** Person 1 dials the number that stands for person 2. */
async function questionIn(world: World): Promise<RouteQuestion> {
  const { session } = await world.assign('order-1', [1, 2]);
  return {
    tenant: world.tenant,
    providerAccount: ACCOUNT,
    providerCallId: 'one-call',
    kind: 'call',
    callingNumber: person(1),
    calledNumber: (session?.participants[1]?.virtualNumber ?? null) as VirtualNumber | null,
    attestation: null,
    digits: null,
  };
}

function recordsIn({ app, tenant }: World) {
  return app.storage.run(tenant, (s) =>
    s.calls.list({ sessionId: null, reference: null }, { limit: 10, after: null }),
  );
}

/** What goes on after an answer has come to its end. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < SETTLED_TURNS; turn++) await new Promise(setImmediate);
}

describe('insertCall', () => {
  it.each([true, false])(
    'connects a call although the answer to its record was lost (committed: %s), and records it once',
    async (commits) => {
      const world = await createWorld();
      const routed = await routeCall(breaking(world.app, 3, commits), await questionIn(world));
      expect(routed).toMatchObject({ reason: 'ok', instruction: { decision: 'bridge' } });
      expect(await recordsIn(world)).toHaveLength(1);
    },
  );

  it.each([true, false])(
    'gives up when it breaks for the fourth time, and nobody who asks again is connected (committed: %s)',
    async (commits) => {
      const world = await createWorld();
      const question = await questionIn(world);
      const routed = await routeCall(breaking(world.app, 4, commits), question);
      expect(routed).toMatchObject({ reason: 'too_late', instruction: { decision: 'announce' } });
      await settled();
      expect(await recordsIn(world)).toMatchObject([{ reason: 'too_late' }]);
      expect((await routeCall(world.app, question)).reason).toBe('too_late');
      expect((await routeCall(world.app, { ...question, providerCallId: 'next' })).reason).toBe('ok');
    },
  );

  it('leaves it to the twin of a question that could not be recorded what the twin was told', async () => {
    const world = await createWorld();
    const question = await questionIn(world);
    expect((await routeCall(world.app, question)).reason).toBe('ok');
    expect((await routeCall(breaking(world.app, 4, false), question)).reason).toBe('too_late');
    await settled();
    expect(await recordsIn(world)).toMatchObject([{ reason: 'ok' }]);
    expect((await routeCall(world.app, question)).reason).toBe('ok');
  });

  it('refuses for good what could not even be looked up', async () => {
    const world = await createWorld();
    const question = await questionIn(world);
    let left = 1;
    const run: App['storage']['run'] = (...args) =>
      left-- > 0
        ? Promise.reject(new StorageError('unavailable', 'The connection broke.'))
        : world.app.storage.run(...args);
    const broken = { ...world.app, storage: { ...world.app.storage, run } };
    expect((await routeCall(broken, question)).reason).toBe('too_late');
    await settled();
    expect((await routeCall(world.app, question)).reason).toBe('too_late');
  });

  it('counts as told once, so that a decision which came too late is taken back', async () => {
    const world = await createWorld();
    const question = await questionIn(world);
    expect((await routeCall(breaking(world.app, 1, true), question)).reason).toBe('ok');
    await withdrawCall(world.app, world.tenant, ACCOUNT, question.providerCallId);
    expect((await routeCall(world.app, question)).reason).toBe('too_late');
  });

  it('takes back a late decision although the connection breaks meanwhile', async () => {
    const world = await createWorld();
    const question = await questionIn(world);
    expect((await routeCall(world.app, question)).reason).toBe('ok');
    let left = 2;
    const storage: App['storage'] = {
      ...world.app.storage,
      transaction: (tenant, work) =>
        left-- > 0
          ? Promise.reject(new StorageError('unavailable', 'The connection broke.'))
          : world.app.storage.transaction(tenant, work),
    };
    const withdrawing = withdrawCall(
      { ...world.app, storage },
      world.tenant,
      ACCOUNT,
      question.providerCallId,
    );
    while (left >= 0) {
      await new Promise(setImmediate);
      world.clock.advance(1_000);
    }
    await withdrawing;
    expect((await routeCall(world.app, question)).reason).toBe('too_late');
  });
});
