import fc from 'fast-check';
import { expect, it } from 'vitest';
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
  person,
} from './conformance-town.ts';
import type { Database } from './sql/connection.ts';
import { createSqlStorage } from './sql/sql-storage.ts';
import type { Storage } from './storage.ts';
import type { CallLimits } from './call-storage.ts';

const LIMITS: CallLimits = {
  concurrentCallsMax: 1,
  hourlyAttemptsMax: 3,
  totalTalkSecondsMax: 600,
  heldUntil: NOW + 60_000,
};

interface Asked {
  readonly n: number;
  readonly caller: string;
  readonly limits: CallLimits | null;
  readonly afterMinutes: number;
}

/** What every Storage must do with questions that come at one moment: the same as with one after another. */
export function exerciseLots(open: () => Promise<Database>): void {
  it('looks up many callers at once, each with its own answer, and none of another tenant', async () => {
    const database = await open();
    const storage = await createTown(database);
    await openOne(storage);
    const ask = (tenant: string, n: number, caller: number | null, account: string | null = 'operator') =>
      storage.run(tenant, (s) =>
        s.routes.lookup({
          providerAccount: account,
          virtualNumber: number(n),
          callerKey: caller === null ? null : person(caller),
          now: NOW,
        }),
      );
    const answers = await Promise.all([
      ask(ACME, 1, 1),
      ask(ACME, 0, 2),
      ask(ACME, 1, 2),
      ask(GLOBEX, 1, 1),
      ask(ACME, 1, null),
      ask(ACME, 99, 1),
      ask(ACME, 1, 1, 'another'),
      ask(ACME, 1, 1, null),
      ask(GLOBEX, 0, 2),
    ]);
    expect(answers.map(({ numberKnown, route }) => [numberKnown, route?.callerId ?? null])).toEqual([
      [true, number(0)],
      [true, number(1)],
      [true, null],
      [true, null],
      [true, null],
      [false, null],
      [false, number(0)],
      [true, number(0)],
      [true, null],
    ]);
    const [together] = answers;
    const plain = createSqlStorage(database, { gathers: false });
    const question = {
      providerAccount: 'operator',
      virtualNumber: number(1),
      callerKey: person(1),
      now: NOW,
    };
    expect(together).toEqual(await plain.run(ACME, (s) => s.routes.lookup(question)));
  });

  it('sees a route end as soon as it has ended, however many ask', async () => {
    const storage = await createTown(await open());
    await openOne(storage);
    const ask = () =>
      storage.run(ACME, (s) =>
        s.routes.lookup({
          providerAccount: null,
          virtualNumber: number(1),
          callerKey: person(1),
          now: NOW + 5,
        }),
      );
    const before = await Promise.all([ask(), ask()]);
    await storage.run(ACME, (s) => s.routes.rest('s1', NOW, NOW + HOUR));
    const after = await Promise.all([ask(), ask()]);
    expect(before.map(({ route }) => route?.liveUntil)).toEqual([NOW + HOUR, NOW + HOUR]);
    expect(after.map(({ route }) => route?.liveUntil)).toEqual([NOW, NOW]);
  });

  it('decides a call once, whoever asks at the same moment', async () => {
    const storage = await createTown(await open());
    await openOne(storage);
    const insert = (id: string, change = {}) =>
      storage.run(ACME, (s) => s.calls.insert(call(id, change), announcement(`a-${id}`), null));
    const same = { providerCallId: 'native' };
    const recorded = await Promise.all([
      insert('c1', same),
      insert('c2', same),
      insert('c3'),
      insert('c4', { ...same, sessionId: null, callingParticipantId: null }),
    ]);
    expect(recorded.map((row) => row?.reason ?? null)).toEqual(['ok', null, 'ok', null]);
    const announced = (await storage.system.outboxOldest(9)).map((row) => row.eventId);
    expect(announced.sort()).toEqual(['a-c1', 'a-c3']);
  });

  it('records the neighbours of a call that cannot be recorded', async () => {
    const storage = await createTown(await open());
    await openOne(storage);
    const insert = (id: string, decision: string) =>
      storage
        .run(ACME, (s) =>
          s.calls.insert(call(id, { decision: decision as 'bridge' }), announcement(`a-${id}`), null),
        )
        .then(
          (row) => row?.reason,
          (error) => error.code,
        );
    const recorded = await Promise.all([
      insert('c1', 'bridge'),
      insert('c2', 'nonsense'),
      insert('c3', 'bridge'),
    ]);
    expect(recorded).toEqual(['ok', 'constraint', 'ok']);
    expect((await storage.system.outboxOldest(9)).map((row) => row.eventId).sort()).toEqual(['a-c1', 'a-c3']);
  });

  it('counts calls that come at one moment as it counts them one after another', async () => {
    const question: fc.Arbitrary<Asked> = fc.record({
      n: fc.integer({ min: 0, max: 6 }),
      caller: fc.constantFrom('s1-c', 's1-d'),
      limits: fc.constantFrom(LIMITS, { ...LIMITS, concurrentCallsMax: 2 }, null),
      afterMinutes: fc.constantFrom(0, 2, 70),
    });
    const database = await open();
    const together = await createTown(database);
    await openOne(together);
    const plain = createSqlStorage(database, { gathers: false });
    let run = 0;
    const insert = (storage: Storage, tag: string, asked: Asked, i: number) => {
      const startedAt = NOW + asked.afterMinutes * 60_000;
      const record = call(`${tag}-${i}`, {
        providerCallId: `${tag}-${asked.n}`,
        callingParticipantId: `${asked.caller}-${tag}`,
        startedAt,
      });
      const limits = asked.limits && { ...asked.limits, heldUntil: startedAt + 60_000 };
      return storage.run(ACME, (s) => s.calls.insert(record, announcement(`${tag}-${i}`), limits));
    };
    await fc.assert(
      fc.asyncProperty(fc.array(question, { minLength: 1, maxLength: 9 }), async (questions) => {
        run++;
        const one: unknown[] = [];
        for (const [i, asked] of questions.entries()) one.push(await insert(plain, `p${run}`, asked, i));
        const many = await Promise.all(questions.map((asked, i) => insert(together, `t${run}`, asked, i)));
        // Callers do not disturb each other, and questions about one caller keep their order.
        expect(many).toEqual(one);
      }),
      { numRuns: 60 },
    );
  });
}
