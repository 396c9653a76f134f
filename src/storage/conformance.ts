import { beforeEach, expect, it } from 'vitest';
import {
  ACME,
  announcement,
  call,
  createTown,
  GLOBEX,
  HOUR,
  NOW,
  number,
  openOne,
  POOL,
  person,
  route,
  search,
  session,
} from './conformance-town.ts';
import type { Database } from './sql/connection.ts';
import type { Storage } from './storage.ts';

/** What every Storage must do, whatever runs the SQL. `open` gives a fresh, migrated database. */
export function exerciseStorage(open: () => Promise<Database>): void {
  let storage: Storage;
  beforeEach(async () => {
    storage = await createTown(await open());
  });

  it('confines each tenant to its own rows, in reading and in writing', async () => {
    await openOne(storage);
    await storage.run(GLOBEX, async (s) => {
      expect(await s.sessions.get('s1')).toBeNull();
      expect(await s.sessions.live('order-1')).toBeNull();
      const question = { providerAccount: null, callerKey: person(1), now: NOW };
      const { numberKnown, route } = await s.routes.lookup({ ...question, virtualNumber: number(1) });
      expect([numberKnown, route]).toEqual([true, null]);
      // The other tenant's numbers are as idle as ever.
      expect(await s.virtualNumbers.idleCandidates(search())).toEqual([number(0), number(1)]);
      await s.sessions.close('s1', NOW, 'closed');
    });
    const row = await storage.run(ACME, (s) => s.sessions.get('s1'));
    expect(row?.state).toBe('open');
  });

  it('keeps all of a transaction or nothing, the inbox and the outbox included', async () => {
    const failing = storage.transaction(ACME, async (s) => {
      expect(await s.inboxInsert('/orders', 'e1', NOW)).toBe(true);
      await s.outboxAppend([announcement('a1')]);
      await s.references.lock('order-1');
      throw new Error('and then it failed');
    });
    await expect(failing).rejects.toThrow('and then it failed');
    expect(await storage.system.outboxSize()).toBe(0);
    await storage.transaction(ACME, async (s) => {
      expect(await s.inboxInsert('/orders', 'e1', NOW)).toBe(true);
      await s.outboxAppend([announcement('a1'), announcement('a2')]);
    });
    expect(await storage.run(ACME, (s) => s.inboxInsert('/orders', 'e1', NOW))).toBe(false);
    expect(await storage.run(ACME, (s) => s.inboxInsert('/other', 'e1', NOW))).toBe(true);
    expect(await storage.run(GLOBEX, (s) => s.inboxInsert('/orders', 'e1', NOW))).toBe(true);
    const rows = await storage.system.outboxOldest(10);
    expect(rows.map((row) => [row.tenant, row.eventId])).toEqual([
      [ACME, 'a1'],
      [ACME, 'a2'],
    ]);
    await storage.system.outboxDelete(rows.map((row) => row.id));
    expect(await storage.system.outboxSize()).toBe(0);
  });

  it('undoes an attempt that came to nothing, and goes on with the transaction', async () => {
    await storage.transaction(ACME, async (s) => {
      await s.references.lock('order-1');
      const lost = await s.attempt(async () => {
        await s.virtualNumbers.take(search(), 's1');
        return null;
      });
      expect(lost).toBeNull();
      expect(await s.attempt(() => s.virtualNumbers.take(search(), 's1'))).toEqual([number(0), number(1)]);
    });
    expect((await storage.run(ACME, (s) => s.pools.stockNow(POOL, NOW + HOUR))).idle).toBe(4);
  });

  it('takes the longest idle numbers that can do it and that nobody of the session has met', async () => {
    await openOne(storage);
    await storage.run(ACME, async (s) => {
      // 0 and 1 are taken; person 1 has a live route on 1.
      expect(await s.virtualNumbers.idleCandidates(search({ limit: 9 }))).toEqual([2, 3, 4].map(number));
      expect(await s.virtualNumbers.idleCandidates(search({ limit: 9, capability: 'sms' }))).toEqual(
        [2, 3, 4, 5].map(number),
      );
      await s.virtualNumbers.setState(number(2), 'suspended');
      expect(await s.virtualNumbers.take(search({ limit: 1 }), 's2')).toEqual([number(3)]);
      expect(await s.virtualNumbers.takeThese([number(3), number(4)], 's3', NOW + HOUR)).toBe(false);
      // Only the session that took it may let it rest.
      await s.virtualNumbers.rest('s1', [number(3)], NOW);
      expect(await s.virtualNumbers.isCandidate(number(3), search())).toBe(false);
      await s.virtualNumbers.rest('s2', [number(3)], NOW + 2 * HOUR);
      expect(await s.virtualNumbers.isCandidate(number(3), search({ now: NOW + 2 * HOUR - 1 }))).toBe(false);
      expect(await s.virtualNumbers.isCandidate(number(3), search({ now: NOW + 2 * HOUR }))).toBe(true);
    });
  });

  it('offers a shared number to those who have not met it, strangers to it first', async () => {
    await openOne(storage);
    await storage.run(ACME, async (s) => {
      for (const n of [0, 1]) await s.virtualNumbers.rest('s1', [number(n)], NOW);
      const shared = (callerKeys: Uint8Array[], standingFor: Uint8Array) =>
        s.virtualNumbers.sharedCandidates({ ...search({ callerKeys, limit: 9 }), standingFor });
      // Person 1 dials number 1 already; number 0 stands for person 1.
      expect(await shared([person(1)], person(2))).toEqual([0, 2, 3, 4].map(number));
      expect(await shared([person(3)], person(1))).toEqual([1, 2, 3, 4, 0].map(number));
      expect(await s.virtualNumbers.lastStoodFor(POOL, person(1))).toBe(number(0));
    });
  });

  it('refuses a second route for the same number and caller, until the first has rested', async () => {
    await openOne(storage);
    const insert = (now: number): Promise<boolean | null> =>
      storage.transaction(ACME, (s) =>
        s.attempt(async () =>
          (await s.routes.insertAll('s2', [route(number(1), person(1), number(2))], now)) ? true : null,
        ),
      );
    const lookup = (now: number, account: string | null = 'operator') =>
      storage.run(ACME, (s) =>
        s.routes.lookup({
          providerAccount: account,
          virtualNumber: number(1),
          callerKey: person(1),
          now,
        }),
      );
    expect((await lookup(NOW)).route).toMatchObject({ sessionId: 's1', callerId: number(0), inGrace: false });
    expect((await lookup(NOW, 'another')).numberKnown).toBe(false);
    expect(await insert(NOW + 9 * HOUR)).toBeNull();
    await storage.run(ACME, (s) => s.routes.rest('s1', NOW + 1, NOW + HOUR));
    expect((await lookup(NOW)).route).toMatchObject({ sessionId: 's1', inGrace: true, liveUntil: NOW + 1 });
    expect(await insert(NOW + HOUR - 1)).toBeNull();
    expect(await insert(NOW + HOUR)).toBe(true);
    expect((await lookup(NOW + HOUR)).route).toMatchObject({ sessionId: 's2', callerId: number(2) });
  });

  it('keeps one live session of an order, and the order locked while it changes', async () => {
    await openOne(storage);
    await expect(
      storage.run(ACME, (s) => s.sessions.insert(session('s2', { assignment: 2 }))),
    ).rejects.toMatchObject({
      code: 'constraint',
      constraint: 'session_one_live',
    });
    await storage.transaction(ACME, async (s) => {
      expect(await s.references.lock('order-1')).toEqual({ highestAssignment: 1, endedReason: null });
      await s.sessions.close('s1', NOW, 'reassigned');
      await s.sessions.insert(session('s2', { assignment: 2 }));
      await s.references.end('order-1', 'completed', NOW);
      await s.references.end('order-1', 'cancelled', NOW);
    });
    await storage.run(ACME, async (s) => {
      expect((await s.references.lock('order-1')).endedReason).toBe('completed');
      expect((await s.sessions.live('order-1'))?.id).toBe('s2');
      expect((await s.sessions.byAssignment('order-1', 1))?.closedReason).toBe('reassigned');
      expect(await s.sessions.pending(POOL, 5)).toEqual([{ id: 's2', reference: 'order-1' }]);
      expect((await s.sessions.get('s2'))?.participants.map((p) => [p.role, p.userId])).toEqual([
        ['customer', 'c1'],
        ['driver', null],
      ]);
      const page = await s.sessions.list({ reference: 'order-1' }, { limit: 1, after: null });
      expect(page.map(({ id }) => id)).toEqual(['s2']);
    });
    expect(await storage.system.pendingPools()).toEqual([{ tenant: ACME, pool: POOL }]);
    expect((await storage.system.expiredSessions(NOW + HOUR, 5)).map(({ id }) => id)).toEqual(['s2']);
  });

  it('decides a call once, announces it with it, and knows whether its route still lives', async () => {
    await openOne(storage);
    await storage.run(ACME, async (s) => {
      expect(await s.calls.insert(call('c1'), announcement('a1'), null)).toEqual({
        reason: 'ok',
        maxCallSeconds: 600,
      });
      const again = call('c2', { providerCallId: 'native-c1' });
      expect(await s.calls.insert(again, announcement('a2'), null)).toBeNull();
      const decided = await s.calls.decided('operator', 'native-c1', NOW);
      expect(decided).toMatchObject({ id: 'c1', decision: 'bridge', state: 'decided' });
      expect(Buffer.from(decided?.sealedDestination ?? [])).toEqual(Buffer.from(person(12)));
      expect((await s.calls.decided('operator', 'native-c1', NOW + HOUR))?.sealedDestination).toBeNull();
      // Rings for 30 s and talks for 600 s at the most, while nobody says otherwise.
      expect(await s.calls.lastEndOf('s1')).toBe(NOW + 630_000);
      await s.calls.refuse('operator', 'native-c1', 'too_late', NOW);
      expect(await s.calls.lastEndOf('s1')).toBeNull();
    });
    expect((await storage.system.outboxOldest(5)).map((row) => row.eventId)).toEqual(['a1']);
  });

  it('gives a lease to one holder, and to another only when it has run out', async () => {
    const { system } = storage;
    expect(await system.leaseAcquire('job', 'one', NOW, NOW + 10)).toBe(true);
    expect(await system.leaseAcquire('job', 'two', NOW + 9, NOW + 20)).toBe(false);
    expect(await system.leaseAcquire('job', 'one', NOW + 9, NOW + 20)).toBe(true);
    expect(await system.leaseAcquire('job', 'two', NOW + 20, NOW + 30)).toBe(true);
    await system.leaseRelease('job', 'one');
    expect(await system.leaseAcquire('job', 'one', NOW + 21, NOW + 31)).toBe(false);
    await system.leaseRelease('job', 'two');
    expect(await system.leaseAcquire('job', 'one', NOW + 21, NOW + 31)).toBe(true);
  });

  it('runs a request by one idempotency key once, and remembers its answer until it is trimmed', async () => {
    const request = {
      apiKeyId: 'key_1',
      key: 'k',
      hash: person(1),
      now: NOW,
      expiresAt: NOW + HOUR,
    };
    await storage.run(ACME, async (s) => {
      expect(await s.idempotency.begin(request)).toBeNull();
      expect(await s.idempotency.begin(request)).toMatchObject({ status: null });
      await s.idempotency.finish('key_1', 'k', 201, '{}');
      expect(await s.idempotency.begin(request)).toMatchObject({ status: 201, body: '{}' });
    });
    const before = { routes: NOW + HOUR, inbox: NOW, idempotency: NOW + HOUR };
    expect(await storage.system.trim(before, 10)).toBe(1);
    expect(await storage.run(ACME, (s) => s.idempotency.begin(request))).toBeNull();
  });

  it('keeps one intent for a number under way', async () => {
    const intent = {
      id: 'int_1',
      kind: 'provision',
      providerAccount: 'operator',
      pool: POOL,
      virtualNumber: number(9),
      state: 'planned',
      createdAt: NOW,
      updatedAt: NOW,
      attempts: 0,
    } as const;
    await storage.run(ACME, async (s) => {
      expect(await s.intents.insert(intent)).toBe(true);
      expect(await s.intents.insert({ ...intent, id: 'int_2' })).toBe(false);
      await s.intents.setState('int_1', 'asked', NOW, null);
      expect(await s.intents.unsettled('operator', 5)).toMatchObject([{ id: 'int_1', attempts: 1 }]);
      await s.intents.setState('int_1', 'done', NOW, null);
      expect(await s.intents.countUnsettled(POOL)).toEqual(new Map());
      expect(await s.intents.insert({ ...intent, id: 'int_2' })).toBe(true);
    });
  });

  it('finds keys and accounts before it knows the tenant', async () => {
    const key = {
      tenant: ACME,
      id: 'key_1',
      name: 'switch',
      scopes: ['a', 'b'],
      expiresAt: null,
      revokedAt: null,
      allowedAddresses: ['192.0.2.0/24'],
      lastUsedAt: null,
    };
    await storage.run(ACME, (s) => s.apiKeys.insert({ ...key, hash: person(7) }, NOW));
    expect(await storage.system.apiKeyByHash(person(7))).toEqual(key);
    expect(await storage.system.apiKeyByHash(person(8))).toBeNull();
    expect(await storage.run(GLOBEX, (s) => s.apiKeys.revoke('key_1', NOW))).toBe(false);
    expect(await storage.run(ACME, (s) => s.apiKeys.revoke('key_1', NOW))).toBe(true);
    expect((await storage.system.apiKeyByHash(person(7)))?.revokedAt).toBe(NOW);
    expect(await storage.system.providerAccountById('acc_acme')).toMatchObject({
      tenant: ACME,
      settings: { a: [1, null] },
    });
  });

  it('assigns many at once, as one by one would', async () => {
    await openOne(storage);
    const events = ['a', 'b', 'a', 'c'].map((eventId) => ({ source: '/orders', eventId }));
    const made = [2, 3].map((n) => {
      const { id, participants } = session(`s${n}`);
      return {
        id,
        reference: `order-${n}`,
        assignment: n,
        participants: participants.map((p, i) => ({ ...p, virtualNumber: i === 0 ? number(n) : null })),
      };
    });
    await storage.transaction(ACME, async ({ assignments }) => {
      expect(await assignments.inboxInsert(events, NOW)).toEqual(new Set([0, 1, 3]));
      await assignments.inboxForget(events.slice(3));
      const orders = [2, 3, 1, 9].map((n) => ({ reference: `order-${n}`, assignment: n }));
      const { fresh, known } = await assignments.takeReferences(orders, POOL);
      expect(fresh).toEqual(new Set(['order-2', 'order-3', 'order-9']));
      expect([...known]).toEqual([['order-1', { highestAssignment: 1, endedReason: null }]]);
      await assignments.forgetReferences(['order-9']);
      const again = await assignments.takeReferences(orders.slice(3), POOL);
      expect(again.fresh).toEqual(new Set(['order-9']));
      const where = {
        pool: POOL,
        providerAccount: 'operator',
        capability: 'voice',
        now: NOW + HOUR,
      } as const;
      expect(await assignments.lockIdle({ ...where, limit: 2 })).toEqual([2, 3].map(number));
      expect(await assignments.lockThese([1, 3, 4].map(number), where)).toEqual(new Set([3, 4].map(number)));
      const routes = [
        route(number(1), person(1), number(2)),
        route(number(2), person(1), number(3)),
        route(number(3), person(2), number(2)),
      ].map((one) => ({ ...one, sessionId: 's2' }));
      expect(await assignments.routesHeld(routes, NOW)).toEqual(new Set([0]));
      await assignments.takeLocked(made.map((m) => ({ ...m, participants: m.participants.slice(0, 1) })));
      const common = { pool: POOL, mode: 'voice', exclusive: true, now: NOW, expiresAt: NOW + HOUR } as const;
      await assignments.insertSessions(made, { ...common, state: 'open' });
      expect(await assignments.insertRoutes(routes.slice(1), NOW)).toBe(2);
      await assignments.setHighestAssignments(made, POOL);
    });
    await storage.run(ACME, async (s) => {
      expect(await s.assignments.inboxKnown(events)).toEqual(new Set([0, 1, 2]));
      const one = await s.sessions.live('order-3');
      expect(one).toMatchObject({ id: 's3', assignment: 3, state: 'open', openedAt: NOW, mode: 'voice' });
      expect(one?.participants.map((p) => [p.role, p.virtualNumber, p.exclusive])).toEqual([
        ['customer', number(3), true],
        ['driver', null, true],
      ]);
      expect((await s.references.lock('order-2')).highestAssignment).toBe(2);
      expect(await s.virtualNumbers.idleCandidates(search({ limit: 9 }))).toEqual([number(4)]);
    });
    const lost = storage.transaction(ACME, (s) =>
      s.assignments.insertRoutes([{ ...route(number(2), person(1), number(4)), sessionId: 's9' }], NOW),
    );
    expect(await lost).toBe(0);
  });

  it('offers each seat numbers that nobody in it has met, by first fit, and the one that stood there last', async () => {
    await openOne(storage);
    const where = { pool: POOL, providerAccount: 'operator', capability: 'voice', now: NOW + HOUR } as const;
    const seats = [
      { standing: person(8), dialling: person(9) },
      // The first of them has met number 1, which stands for the second.
      { standing: person(2), dialling: person(1) },
      { standing: person(1), dialling: person(8) },
    ];
    await storage.run(ACME, async ({ assignments, sessions, routes, virtualNumbers }) => {
      const offered = await assignments.sharedCandidates(seats, { ...where, limit: 2 });
      const alone = await Promise.all(
        seats.map(({ standing, dialling }) =>
          virtualNumbers.sharedCandidates({
            ...where,
            limit: 2,
            callerKeys: [dialling],
            standingFor: standing,
          }),
        ),
      );
      expect(offered.map((some) => some.map(({ virtualNumber }) => virtualNumber))).toEqual(alone);
      // What stood for them is allocated; once it is idle it may stand for them again.
      expect(await assignments.stickyCandidates(seats, where)).toEqual(new Map());
      await sessions.close('s1', NOW, 'completed');
      await routes.rest('s1', NOW, NOW + 1);
      await virtualNumbers.rest('s1', [0, 1].map(number), NOW);
      const sticky = await assignments.stickyCandidates(seats, where);
      expect(sticky).toEqual(
        new Map([
          [1, number(1)],
          [2, number(0)],
        ]),
      );
    });
  });

  it('expunges history by its age, in bites, and leaves what lives', async () => {
    await openOne(storage);
    await storage.run(ACME, async (s) => {
      await s.references.place('never', POOL, NOW);
      await s.calls.insert(call('c1'), announcement('a1'), null);
      await s.calls.insert(
        call('c2', { decision: 'reject', reason: 'unknown_caller' }),
        announcement('a2'),
        null,
      );
      await s.calls.refuse('operator', 'native-c2', 'unknown_caller', NOW);
    });
    const { system } = storage;
    const day = NOW + 24 * HOUR;
    expect(await system.expunge('sessions', day, 10)).toBe(0);
    expect(await system.expunge('realNumbers', day, 10)).toBe(0);
    expect(await system.expunge('references', day, 10)).toBe(1);
    // A call that has not ended is no history yet.
    expect(await system.expunge('calls', day, 10)).toBe(1);
    await storage.run(ACME, (s) => s.sessions.close('s1', NOW, 'cancelled'));
    expect(await system.expunge('realNumbers', day, 1)).toBe(1);
    expect(await system.expunge('realNumbers', day, 10)).toBe(1);
    expect(await system.expunge('sessions', NOW - 1, 10)).toBe(0);
    expect(await system.expunge('sessions', day, 10)).toBe(1);
    expect(await storage.run(ACME, (s) => s.sessions.get('s1'))).toBeNull();
  });
}
