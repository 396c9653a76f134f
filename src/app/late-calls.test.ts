import { describe, expect, it } from 'vitest';
import { seededRandom } from '../lib/random.ts';
import { closeSession } from './close-session.ts';
import { createWorld, person } from './testing/world.ts';

/** The security targets name 10^5 and 10^6; CI plays a short form. */
const TRIALS = Number(process.env.MASKLINE_LATE_CALL_TRIALS ?? 120);
const REDIALS = Number(process.env.MASKLINE_REDIAL_TRIALS ?? 1_500);

describe('a call that comes late', () => {
  it('is connected before the end or not at all, whatever races (SEC-13)', {
    timeout: 3_600_000,
  }, async () => {
    const world = await createWorld({
      numbers: 8,
      pool: {
        numberQuarantineSeconds: 0,
        pairQuarantineSeconds: 60,
        concurrentCallsMax: 20,
        hourlyAttemptsMax: 200,
      },
    });
    const random = seededRandom(13);
    let late = 0;
    let connectedLate = 0;
    let racing = 0;
    for (let trial = 0; trial < TRIALS; trial++) {
      const { session } = await world.assign(`order-${trial}`, [1, 2]);
      const ddd = session?.participants[1]?.virtualNumber ?? null;
      let isClosed = false;
      const dialWhenever = async () => {
        for (let pause = Math.floor(random.next() * 40); pause > 0; pause--) await new Promise(setImmediate);
        const afterTheEnd = isClosed;
        const isConnected = (await world.dial(1, ddd)).reason === 'ok';
        if (afterTheEnd) {
          late++;
          if (isConnected) connectedLate++;
        } else if (isConnected) racing++;
      };
      const dials = Array.from({ length: 6 }, dialWhenever);
      const reason = trial % 2 === 0 ? 'cancelled' : 'completed';
      // Some of the calls are under way by then, and some are not.
      for (let left = Math.floor(random.next() * 3); left > 0; left--) await dials[left];
      await closeSession(world.app, { tenant: world.tenant, sessionId: session?.id ?? '', reason });
      isClosed = true;
      await Promise.all([...dials, dialWhenever(), dialWhenever()]);
      world.clock.advance(61_000);
    }
    expect(connectedLate).toBe(0);
    // A test in which nothing raced, or nothing came late, would say nothing.
    expect(late).toBeGreaterThan(TRIALS);
    expect(racing).toBeGreaterThan(0);
  });

  it('reaches nobody wrong, when a full pool is lent out again and again (SEC-14)', {
    timeout: 3_600_000,
  }, async () => {
    const world = await createWorld({
      numbers: 20,
      pool: {
        numberQuarantineSeconds: 0,
        concurrentCallsMax: 20,
        hourlyAttemptsMax: 200,
        pairQuarantineSeconds: 3_600,
      },
    });
    const random = seededRandom(14);
    const history = new Map<number, string[]>();
    const live: { id: string; people: readonly [number, number]; numbers: readonly [string, string] }[] = [];
    let wrong = 0;
    let connected = 0;
    for (let redial = 0; redial < REDIALS; redial++) {
      // 9 sessions of two numbers each: 18 or 19 of 20 are taken while one opens.
      if (redial % 10 === 0) {
        if (live.length === 9) {
          const [oldest] = live.splice(Math.floor(random.next() * live.length), 1);
          const reason = 'cancelled';
          await closeSession(world.app, { tenant: world.tenant, sessionId: oldest?.id ?? '', reason });
        }
        const people = [Math.floor(random.next() * 100), 100 + Math.floor(random.next() * 100)] as const;
        const { session } = await world.assign(`order-${redial}`, people);
        const [a, b] = session?.participants ?? [];
        if (session && a?.virtualNumber && b?.virtualNumber) {
          live.push({ id: session.id, people, numbers: [a.virtualNumber, b.virtualNumber] });
          history.set(people[0], [...(history.get(people[0]) ?? []), b.virtualNumber]);
          history.set(people[1], [...(history.get(people[1]) ?? []), a.virtualNumber]);
        }
        world.clock.advance(20_000);
      }
      const callers = [...history.keys()];
      const caller = callers[Math.floor(random.next() * callers.length)] ?? 0;
      const dialled = history.get(caller) ?? [];
      const number = dialled[Math.floor(random.next() * dialled.length)] ?? '';
      const { instruction } = await world.dial(caller, number);
      if (instruction.decision !== 'bridge') continue;
      connected++;
      const meant = live.some(
        ({ people, numbers }) =>
          (people[0] === caller &&
            numbers[1] === number &&
            instruction.destination.equals(person(people[1]))) ||
          (people[1] === caller &&
            numbers[0] === number &&
            instruction.destination.equals(person(people[0]))),
      );
      if (!meant) wrong++;
    }
    expect(wrong).toBe(0);
    expect(connected).toBeGreaterThan(0);
  });
});
