import { describe, expect, it } from 'vitest';
import { closeSession } from '../app/close-session.ts';
import { endReference } from '../app/end-reference.ts';
import { placeReference } from '../app/place-reference.ts';
import { createWorld, type World } from '../app/testing/world.ts';
import { ClosedReason } from '../domain/session.ts';
import { statement, systemScope } from '../storage/sql/connection.ts';
import { historian } from './historian.ts';

const DAY = 86_400_000;
const retention = { callDays: 10, sessionDays: 20, numberDays: 5 };

const count = (table: string, where = 'true') =>
  statement(`count_${table}_${where.length}`, `select count(*)::int as count from ${table} where ${where}`);

async function rows(world: World, table: string, where?: string): Promise<number> {
  const question = count(table, where);
  const [row] = await world.database.run(systemScope, (c) => c.query<{ count: number }>(question));
  return row?.count ?? -1;
}

async function passDays(world: World, days: number): Promise<void> {
  world.clock.advance(days * DAY);
  await historian(world.app, retention).run(new AbortController().signal);
}

describe('historian', () => {
  it('lets numbers, calls and sessions go each in its time, and keeps what lives', async () => {
    const world = await createWorld({ pool: { sessionTtlSeconds: 86_400 } });
    const { app, tenant } = world;
    const cause = (eventId: string) => ({ source: '/orders', eventId });
    await placeReference(app, { tenant, reference: 'never', pool: 'city', cause: cause('1') });
    await endReference(app, { tenant, reference: 'never', reason: 'cancelled', cause: cause('2') });
    const done = await world.assign('done', [1, 2]);
    const ddd = done.session?.participants[1]?.virtualNumber ?? null;
    expect((await world.dial(3, ddd)).instruction.decision).not.toBe('bridge');
    const sessionId = done.session?.id ?? '';
    await closeSession(app, { tenant, sessionId, reason: ClosedReason.Closed });

    await passDays(world, 4);
    expect(await rows(world, 'participant', 'sealed_number is not null')).toBe(2);
    await passDays(world, 2);
    expect(await rows(world, 'participant', 'sealed_number is not null')).toBe(0);
    expect(await rows(world, 'participant', 'caller_key is not null')).toBe(2);
    expect(await rows(world, 'call')).toBe(1);
    await passDays(world, 5);
    expect(await rows(world, 'call')).toBe(0);
    expect(await rows(world, 'session')).toBe(1);
    expect(await rows(world, 'reference')).toBe(2);

    await world.assign('alive', [1, 2]);
    await passDays(world, 10);
    expect(await rows(world, 'session')).toBe(1);
    expect(await rows(world, 'participant')).toBe(2);
    expect(await rows(world, 'reference', `reference = 'alive'`)).toBe(1);
    expect(await rows(world, 'reference')).toBe(1);
    expect(await rows(world, 'participant', 'sealed_number is not null')).toBe(2);
  });

  it('takes as many bites as there are', async () => {
    const kinds: string[] = [];
    const world = await createWorld();
    let left = 2_500;
    const system = {
      ...world.app.storage.system,
      expunge: async (kind: string, _before: number, limit: number) => {
        kinds.push(kind);
        if (kind !== 'calls') return 0;
        const bite = Math.min(left, limit);
        left -= bite;
        return bite;
      },
    };
    const app = { ...world.app, storage: { ...world.app.storage, system } };
    await historian(app, retention).run(new AbortController().signal);
    expect(left).toBe(0);
    expect(kinds.filter((kind) => kind === 'calls')).toHaveLength(3);
  });
});
