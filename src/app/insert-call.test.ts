import { describe, expect, it } from 'vitest';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { TenantStorage } from '../storage/storage.ts';
import { StorageError } from '../storage/storage-error.ts';
import type { App } from './app.ts';
import { routeCall } from './route-call.ts';
import type { RouteQuestion } from './routed-call.ts';
import { ACCOUNT, createWorld, person, type World } from './testing/world.ts';
import { withdrawCall } from './withdraw-late.ts';

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

describe('insertCall', () => {
  it.each([true, false])(
    'connects a call although the answer to its record was lost (committed: %s), and records it once',
    async (commits) => {
      const world = await createWorld();
      const routed = await routeCall(breaking(world.app, 2, commits), await questionIn(world));
      expect(routed).toMatchObject({ reason: 'ok', instruction: { decision: 'bridge' } });
      const records = await world.app.storage.run(world.tenant, (s) =>
        s.calls.list({ sessionId: null, reference: null }, { limit: 10, after: null }),
      );
      expect(records).toHaveLength(1);
    },
  );

  it('gives up when it breaks for the third time', async () => {
    const world = await createWorld();
    const routed = await routeCall(breaking(world.app, 3, false), await questionIn(world));
    expect(routed).toMatchObject({ reason: 'too_late', instruction: { decision: 'announce' } });
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
