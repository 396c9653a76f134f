import { describe, expect, it } from 'vitest';
import { statement, tenantScope } from '../storage/sql/connection.ts';
import { endReference, type EndReferenceParams } from './end-reference.ts';
import { endTogether } from './end-together.ts';
import { placeReference } from './place-reference.ts';
import { placeTogether } from './place-together.ts';
import { createWorld, TENANT, type World } from './testing/world.ts';

const everything = statement(
  'test_ending_state',
  `select o.reference, o.pool as order_pool, o.placed_at, o.ended_at, o.ended_reason, s.state, s.closed_at, s.closed_reason,
          p.role, p.released_at, v.idle_at, r.live_until, r.resting_until
     from reference o
     left join session s on s.tenant = o.tenant and s.reference = o.reference
     left join participant p on p.tenant = s.tenant and p.session_id = s.id
     left join virtual_number v on v.tenant = p.tenant and v.virtual_number = p.virtual_number
     left join route r on r.tenant = s.tenant and r.session_id = s.id and r.called_participant = p.id
    order by o.reference, p.place`,
);

const POOL = { graceSeconds: 60, numberQuarantineSeconds: 600, pairQuarantineSeconds: 3_600 };

async function stateOf({ app, database }: World) {
  const rows = await database.run(tenantScope(TENANT), (connection) => connection.query(everything));
  const announced = (await app.storage.system.outboxOldest(100)).map(({ event: { type, data } }) => ({
    type,
    data: { ...data, sessionId: null },
  }));
  return { rows, announced };
}

/** Open sessions, one on the phone, one that waits, one whose number was never asked for, one that has ended. */
async function createTown(): Promise<World> {
  const world = await createWorld({ pool: POOL, numbers: 6 });
  for (const [i, reference] of ['open', 'talking', 'other'].entries()) {
    await world.assign(reference, [2 * i + 1, 2 * i + 2]);
  }
  await world.assign('waiting', [11, 12]);
  const talking = await world.app.storage.run(TENANT, (s) => s.sessions.live('talking'));
  await world.dial(3, talking?.participants[1]?.virtualNumber ?? null, 'call-1');
  await endReference(world.app, end('over', 'completed'));
  world.clock.advance(1_000);
  return world;
}

function end(reference: string, reason: EndReferenceParams['reason'], eventId = `end-${reference}`) {
  return { tenant: TENANT, reference, reason, cause: { source: '/orders', eventId } };
}

describe('orders that end together', () => {
  it.each(['completed', 'cancelled'] as const)('end as they do one by one (%s)', async (reason) => {
    const ends = ['open', 'talking', 'waiting', 'over', 'unknown'].map((one) => end(one, reason));
    const [together, single] = [await createTown(), await createTown()];
    const outcomes = await Promise.all(ends.map((params) => endTogether(together.app, params)));
    for (const params of ends) await endReference(single.app, params);
    // `over` ended by an event of the same id.
    expect(outcomes).toEqual(['applied', 'applied', 'applied', 'duplicate', 'applied']);
    const [mine, theirs] = [await stateOf(together), await stateOf(single)];
    expect(mine.rows).toEqual(theirs.rows);
    const byReference = (events: typeof mine.announced) =>
      [...events].map((event) => JSON.stringify(event)).sort();
    expect(byReference(mine.announced)).toEqual(byReference(theirs.announced));
    expect(mine.rows.length).toBeGreaterThan(8);
  });

  it('apply an event once, and leave a second event about one order to those that go alone', async () => {
    const { app } = await createTown();
    const outcomes = await Promise.all([
      endTogether(app, end('open', 'completed', 'e1')),
      endTogether(app, end('open', 'completed', 'e2')),
      endTogether(app, end('other', 'completed', 'e1')),
    ]);
    expect(outcomes).toEqual(['applied', 'deferred', 'duplicate']);
    expect(await endTogether(app, end('open', 'completed', 'e1'))).toBe('duplicate');
  });
});

describe('orders that are placed together', () => {
  const place = (reference: string, pool = 'city') => ({
    ...{ tenant: TENANT, reference, pool },
    cause: { source: '/orders', eventId: `placed-${reference}` },
  });

  it('are placed as they are one by one', async () => {
    const orders = ['new', 'open', 'over'].map((reference) => place(reference));
    const [together, single] = [await createTown(), await createTown()];
    const outcomes = await Promise.all(orders.map((params) => placeTogether(together.app, params)));
    for (const params of orders) await placeReference(single.app, params);
    expect(outcomes).toEqual(['applied', 'applied', 'applied']);
    expect(await placeTogether(together.app, place('new'))).toBe('duplicate');
    expect((await stateOf(together)).rows).toEqual((await stateOf(single)).rows);
  });

  it('are left to those that go alone when there is no such pool, without a trace', async () => {
    const { app } = await createTown();
    const outcomes = await Promise.all(
      [place('a', 'nowhere'), place('b')].map((one) => placeTogether(app, one)),
    );
    expect(outcomes).toEqual(['deferred', 'applied']);
    expect(await app.storage.run(TENANT, (s) => s.inboxKnown('/orders', 'placed-a'))).toBe(false);
  });
});
