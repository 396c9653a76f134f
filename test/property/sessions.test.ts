import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeSession } from '../../src/app/close-session.ts';
import { endReference } from '../../src/app/end-reference.ts';
import { expireSessions } from '../../src/app/expire-sessions.ts';
import { recordLegStatus } from '../../src/app/record-leg-status.ts';
import { servePending } from '../../src/app/serve-pending.ts';
import { accountAt, FakeOperator } from '../../src/app/testing/fake-operator.ts';
import { ACCOUNT, createWorld, person, virtualNumber, type World } from '../../src/app/testing/world.ts';
import { assignVirtualNumbers } from '../../src/domain/allocation.ts';
import type { Pool } from '../../src/domain/pool.ts';
import type { VirtualNumber } from '../../src/domain/virtual-number.ts';
import type { PgliteDatabase } from '../../src/storage/pglite/pglite-database.ts';
import type { SessionRow } from '../../src/storage/session-storage.ts';
import { openTestDatabase } from '../../src/storage/testing/open-test-database.ts';
import { checkInvariants } from './invariants.ts';
import { type ModelSession, SessionModel } from './session-model.ts';

const PEOPLE = 6;
const ORDERS = 5;
const SECOND_ACCOUNT = 'other-operator';
/** MASKLINE_PROPERTY_RUNS makes a longer exam of it. */
const RUNS = Number(process.env.MASKLINE_PROPERTY_RUNS ?? (process.env.CI ? 150 : 60));

let database: PgliteDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

/** How often the interesting things happened: a run in which they did not proves nothing. */
const reached = {
  bridged: 0,
  ended: 0,
  stranger: 0,
  pending: 0,
  served: 0,
  reassigned: 0,
  expired: 0,
  grace: 0,
  tombstone: 0,
  talkedPast: 0,
  otherAccount: 0,
};

type Step =
  | {
      readonly kind: 'assign';
      readonly order: number;
      readonly people: readonly number[];
      readonly late: boolean;
    }
  | { readonly kind: 'complete' | 'cancel' | 'close'; readonly order: number }
  | {
      readonly kind: 'dial';
      readonly person: number;
      readonly number: number;
      readonly aimed: boolean;
      readonly twice: boolean;
    }
  | { readonly kind: 'hangUp' }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'tick' };

const order = fc.integer({ min: 0, max: ORDERS - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('assign' as const),
      order,
      people: fc.uniqueArray(fc.integer({ min: 0, max: PEOPLE - 1 }), { minLength: 2, maxLength: 3 }),
      late: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('complete' as const, 'cancel' as const, 'close' as const),
      order,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('dial' as const),
      person: fc.integer({ min: 0, max: PEOPLE - 1 }),
      number: fc.nat(),
      aimed: fc.boolean(),
      twice: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'hangUp' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      seconds: fc.constantFrom(1, 29, 31, 61, 299, 301, 3_600),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ kind: 'tick' as const }) },
);

const poolShape = fc.record({
  mode: fc.constantFrom('dedicated' as const, 'shared' as const),
  selection: fc.constantFrom('avoid_sticky' as const, 'prefer_sticky' as const),
  numberQuarantineSeconds: fc.constantFrom(0, 30, 300),
  pairQuarantineSeconds: fc.constantFrom(0, 60, 300),
  graceSeconds: fc.constantFrom(0, 30),
  sessionTtlSeconds: fc.constantFrom(60, 3_600),
  maxCallSeconds: fc.constantFrom(10, 600),
});

/** One generated history, played against the product and the model side by side. */
class Play {
  readonly #world: World;
  readonly #model: SessionModel;
  readonly #numbers: readonly VirtualNumber[];
  readonly #accounts: number;
  readonly #ended = new Set<string>();
  readonly #assignments = new Map<string, number>();
  readonly #waiting = new Map<string, readonly number[]>();
  #calls: {
    id: string;
    dialled: VirtualNumber;
    session: ModelSession;
    endsBy: number;
    endedAt: number | null;
  }[] = [];
  #sequence = 0;

  constructor(world: World, pool: Pool, numbers: number, accounts: number) {
    this.#accounts = accounts;
    this.#world = world;
    this.#model = new SessionModel(pool);
    this.#numbers = Array.from({ length: numbers }, (_, n) => virtualNumber(n));
  }

  get #now(): number {
    return this.#world.clock.now();
  }

  async step(one: Step): Promise<void> {
    if (one.kind === 'assign') await this.#assign(one);
    else if (one.kind === 'dial') await this.#dial(one);
    else if (one.kind === 'hangUp') await this.#hangUp();
    else if (one.kind === 'wait') this.#world.clock.advance(one.seconds * 1_000);
    else if (one.kind === 'tick') await this.#tick();
    else await this.#end(one.kind, `order-${one.order}`);
    await checkInvariants(database, this.#world.tenant, this.#now);
  }

  async #assign(one: { order: number; people: readonly number[]; late: boolean }): Promise<void> {
    const reference = `order-${one.order}`;
    const highest = this.#assignments.get(reference) ?? 0;
    const assignment = one.late ? highest - 1 : highest + 1;
    const outcome = await this.#world.assign(reference, one.people, assignment);
    if (this.#ended.has(reference)) {
      expect(outcome.outcome).toBe('ended');
      reached.tombstone++;
      return;
    }
    if (this.#assignments.has(reference) && one.late) {
      expect(['superseded', 'existing']).toContain(outcome.outcome);
      return;
    }
    this.#assignments.set(reference, assignment);
    const replaced = this.#model.live(reference);
    if (replaced) {
      reached.reassigned++;
      this.#closeModel(replaced, false);
    }
    this.#waiting.delete(reference);
    if (outcome.outcome === 'pending') {
      reached.pending++;
      this.#waiting.set(reference, one.people);
    } else {
      expect(outcome.outcome).toBe('opened');
      this.#model.opened(outcome.session as NonNullable<typeof outcome.session>, one.people, this.#now);
    }
  }

  async #end(kind: 'complete' | 'cancel' | 'close', reference: string): Promise<void> {
    const live = this.#model.live(reference);
    if (kind === 'close') {
      const row = await this.#latest(reference);
      if (!row) return;
      await closeSession(this.#world.app, {
        tenant: this.#world.tenant,
        sessionId: row.id,
        reason: 'closed',
      });
    } else {
      const reason = kind === 'complete' ? 'completed' : 'cancelled';
      const cause = { source: 'play', eventId: String(this.#sequence++) };
      await endReference(this.#world.app, { tenant: this.#world.tenant, reference, reason, cause });
      this.#ended.add(reference);
    }
    if (live) this.#closeModel(live, kind === 'complete');
    this.#waiting.delete(reference);
  }

  /** Sessions of one millisecond have no order among themselves, so the newest is told by its assignment. */
  async #latest(reference: string): Promise<SessionRow | undefined> {
    const rows = await this.#world.app.storage.run(this.#world.tenant, (s) =>
      s.sessions.list({ reference }, { limit: 500, after: null }),
    );
    return [...rows].sort((a, b) => b.assignment - a.assignment)[0];
  }

  #closeModel(session: ModelSession, completed: boolean): void {
    if (completed && this.#model.pool.graceSeconds > 0) reached.grace++;
    this.#model.close(session, this.#now, completed, this.#lastEnd(session));
  }

  #lastEnd(session: ModelSession): number | null {
    const ends = this.#calls
      .filter((call) => call.session === session)
      .map((call) => call.endedAt ?? call.endsBy);
    return ends.length === 0 ? null : Math.max(...ends);
  }

  async #dial(one: Extract<Step, { kind: 'dial' }>): Promise<void> {
    const dialled = this.#choose(one);
    const id = `call-${this.#sequence++}`;
    const expected = this.#model.route(one.person, dialled, this.#now);
    const routed = await this.#world.dial(one.person, dialled, id);
    if (typeof expected === 'string') {
      // Soundness: nobody else is connected, and only former participants learn that anything has ended.
      expect(routed).toMatchObject({ reason: expected, instruction: { decision: 'announce' } });
      reached[expected === 'session_ended' ? 'ended' : 'stranger']++;
    } else {
      // Completeness: who may be connected, is.
      expect(routed.instruction).toMatchObject({ decision: 'bridge', callerId: expected.shows });
      const destination =
        routed.instruction.decision === 'bridge' ? routed.instruction.destination.reveal() : '';
      expect(destination).toBe(person(expected.to).reveal());
      reached.bridged++;
      this.#noteCall(id, dialled, one.person);
      if (this.#accountOf(dialled) > 0) reached.otherAccount++;
    }
    if (one.twice) {
      const again = await Promise.all([1, 2].map(() => this.#world.dial(one.person, dialled, id)));
      for (const repeated of again) expect(JSON.stringify(repeated)).toBe(JSON.stringify(routed));
    }
  }

  /** Any number; or, when aimed, one that this person has met, as people do. */
  #choose(one: Extract<Step, { kind: 'dial' }>): VirtualNumber {
    const met = this.#model.sessions
      .filter((session) => session.people.includes(one.person))
      .flatMap((session) => session.numbers as VirtualNumber[]);
    const among = one.aimed && met.length > 0 ? met : this.#numbers;
    return among[one.number % among.length] as VirtualNumber;
  }

  #noteCall(id: string, dialled: VirtualNumber, caller: number): void {
    const session = this.#model.sessions.find(
      (s) =>
        this.#now < s.liveUntil &&
        s.numbers.includes(dialled) &&
        s.people.includes(caller) &&
        s.people.indexOf(caller) !== s.numbers.indexOf(dialled),
    );
    if (!session) throw new Error('The model has lost the session of a call.');
    const { ringTimeoutSeconds, maxCallSeconds } = this.#model.pool;
    this.#calls.push({
      id,
      dialled,
      session,
      endsBy: this.#now + (ringTimeoutSeconds + maxCallSeconds) * 1_000,
      endedAt: null,
    });
    if (session.settled) session.restsFrom = Math.max(session.liveUntil, this.#lastEnd(session) ?? 0);
  }

  async #hangUp(): Promise<void> {
    const call = this.#calls.find((one) => one.endedAt === null);
    if (!call) return;
    await recordLegStatus(this.#world.app, {
      tenant: this.#world.tenant,
      providerAccount: this.#accountOf(call.dialled) === 0 ? ACCOUNT : SECOND_ACCOUNT,
      providerCallId: call.id,
      legStatus: {
        status: 'ended',
        at: this.#now,
        termination: 'completed',
        durationSeconds: null,
        nativeCause: null,
      },
    });
    call.endedAt = this.#now;
    if (call.session.settled) {
      if (this.#now > call.session.liveUntil) reached.talkedPast++;
      call.session.restsFrom = Math.max(call.session.liveUntil, this.#lastEnd(call.session) ?? 0);
    }
  }

  /** What the background loops do. Afterwards nobody waits who could be served (INV-08, INV-55). */
  async #tick(): Promise<void> {
    const { app, tenant } = this.#world;
    while ((await expireSessions(app)) > 0);
    for (const session of this.#model.sessions) {
      if (session.settled || this.#now < session.expiresAt) continue;
      reached.expired++;
      this.#closeModel(session, false);
    }
    await servePending(app, tenant, this.#model.pool.name);
    for (const [reference, people] of this.#waiting) {
      const row = await this.#latest(reference);
      if (row?.state === 'open') {
        reached.served++;
        this.#waiting.delete(reference);
        const view = { ...row, expiresAt: new Date(row.expiresAt).toISOString() } as never;
        this.#model.opened(view, people, this.#now);
      } else if (row?.state === 'closed') {
        this.#waiting.delete(reference);
      }
    }
    for (const [reference, people] of this.#waiting) {
      expect(this.#legalChoiceExists(people), `${reference} waits although a legal choice exists`).toBe(
        false,
      );
    }
  }

  /** The oracle of INV-08: recomputes the legal set from the model alone. */
  #legalChoiceExists(people: readonly number[]): boolean {
    const { mode, pairQuarantineSeconds, numberQuarantineSeconds } = this.#model.pool;
    const rests = (s: ModelSession, seconds: number): boolean =>
      !s.settled || this.#now < s.restsFrom + seconds * 1_000;
    const free = (number: VirtualNumber): boolean =>
      mode === 'shared' ||
      !this.#model.sessions.some((s) => s.numbers.includes(number) && rests(s, numberQuarantineSeconds));
    const met = (who: number, number: VirtualNumber): boolean =>
      this.#model.sessions.some((s) => {
        const stoodFor = s.numbers.indexOf(number);
        return (
          stoodFor >= 0 &&
          s.people.some((p, k) => p === who && k !== stoodFor) &&
          rests(s, pairQuarantineSeconds)
        );
      });
    // All numbers of a session are of one account.
    for (let account = 0; account < this.#accounts; account++) {
      const candidates = people.map((_, i) =>
        this.#numbers.filter(
          (number) =>
            this.#accountOf(number) === account &&
            free(number) &&
            people.every((other, j) => i === j || !met(other, number)),
        ),
      );
      if (assignVirtualNumbers(candidates) !== null) return true;
    }
    return false;
  }

  /** They were imported in turn. */
  #accountOf(number: VirtualNumber): number {
    return this.#numbers.indexOf(number) % this.#accounts;
  }
}

describe('sessions, whatever happens', () => {
  it(`holds its invariants and does what the model does, over ${RUNS} histories`, {
    timeout: 120_000,
  }, async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        poolShape,
        fc.integer({ min: 2, max: 9 }),
        fc.constantFrom(1, 2),
        fc.array(step, { minLength: 10, maxLength: 40 }),
        async (shape, numbers, accounts, steps) => {
          const tenant = `play-${run++}`;
          const moreAccounts =
            accounts === 1 ? [] : [accountAt(new FakeOperator(0, 0), SECOND_ACCOUNT, tenant)];
          const options = { database, tenant, numbers, pool: shape, seed: run, moreAccounts, spread: true };
          const world = await createWorld(options);
          const pool = await world.app.storage.run(tenant, (s) => s.pools.get('city'));
          const play = new Play(world, pool as Pool, numbers, accounts);
          for (const one of steps) await play.step(one);
        },
      ),
      { numRuns: RUNS, endOnFailure: process.env.CI === 'true' },
    );
    for (const [what, times] of Object.entries(reached))
      expect(times, `never reached: ${what}`).toBeGreaterThan(0);
  });
});
