import { expect, it } from 'vitest';
import { toVirtualNumber } from '../domain/virtual-number.ts';
import { describeEachDatabase, type TestDatabase } from '../storage/testing/describe-each-database.ts';
import { announceCall } from './announce-call.ts';
import { applyLateBlocks, blockPerson, unblockPerson } from './block-person.ts';
import { createPin } from './create-pin.ts';
import { routeCall } from './route-call.ts';
import type { RoutedCall } from './routed-call.ts';
import { ACCOUNT, createWorld, person } from './testing/world.ts';

const ACTOR = 'key:test';

async function createTown(database: TestDatabase) {
  const world = await createWorld({ database, pool: { stepUp: 'pin', concurrentCallsMax: 20 } });
  const { app, tenant } = world;
  const { session } = await world.assign('order-1', [1, 2]);
  const sessionId = session?.id ?? '';
  const ddd = session?.participants[1]?.virtualNumber ?? '';
  const ask = (providerCallId: string, from: number, digits: string | null = null) =>
    routeCall(app, {
      tenant,
      providerAccount: ACCOUNT,
      providerCallId,
      kind: 'call',
      callingNumber: person(from),
      calledNumber: toVirtualNumber(ddd),
      attestation: null,
      digits,
      collectsPin: true,
      reportsEnds: true,
    });
  return { world, sessionId, ddd, ask };
}

const connected = (answers: readonly RoutedCall[]) =>
  answers.filter(({ instruction }) => instruction.decision === 'bridge').length;

// What is judged by SQL, on each database that it runs on.
describeEachDatabase('Callers who prove themselves, many at one moment', (open) => {
  it('share one announced call, of which one gets it', async () => {
    const { world, sessionId, ask } = await createTown(await open());
    const { app, tenant } = world;
    await announceCall(app, { tenant, sessionId, caller: 'customer', callee: null, callingNumber: null });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(`c${i}`, 100 + i)));
    expect(connected(answers)).toBe(1);
  });

  it('have five wrong PINs a day between them, and the right one connects once', async () => {
    const { world, sessionId, ask } = await createTown(await open());
    const { app, tenant } = world;
    const made = await createPin(app, { tenant, actor: ACTOR, sessionId, participant: 'customer' });
    const right = await Promise.all(Array.from({ length: 10 }, () => ask('one call', 100, made.pin)));
    expect(connected(right)).toBe(10);
    expect(new Set(right.map(({ callId }) => callId)).size).toBe(1);
    const records = await app.storage.run(tenant, (s) =>
      s.calls.list({ sessionId, reference: null }, { limit: 10, after: null }),
    );
    expect(records).toMatchObject([{ decision: 'bridge', reason: 'ok', callingRole: 'customer' }]);

    const wrong = Array.from({ length: 30 }, (_, i) =>
      `${(Number(made.pin) + 1 + i) % 1e6}`.padStart(6, '0'),
    );
    const answers = await Promise.all(wrong.map((digits, i) => ask(`w${i}`, 101 + i, digits)));
    expect(connected(answers)).toBe(0);
    expect(connected([await ask('locked', 200, made.pin)])).toBe(0);
  });

  it('are cut off by a block, late routes too, and come back when it is lifted', async () => {
    const { world, ddd } = await createTown(await open());
    const { app, tenant } = world;
    const who = { realNumber: person(1), userId: null, reason: 'Threats' };
    const block = await blockPerson(app, { tenant, actor: ACTOR, ...who });
    expect((await world.dial(1, ddd)).reason).toBe('blocked');
    await app.storage.run(tenant, (s) => s.blocks.lift(block.id));
    expect(await applyLateBlocks(app)).toBe(2);
    expect((await world.dial(1, ddd)).reason).toBe('blocked');
    await unblockPerson(app, { tenant, actor: ACTOR, id: block.id });
    expect((await world.dial(1, ddd)).reason).toBe('ok');
  });
});
