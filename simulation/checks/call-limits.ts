import type { Pool } from '../../src/domain/pool.ts';
import type { Instant } from '../../src/lib/clock.ts';
import type { Reached } from '../world/reached.ts';
import { demand } from '../world/violation.ts';
import { reachedBy, type SessionHistory } from './session-history.ts';

const HOUR_MS = 3_600_000;
/** Talk that is shorter is none: a caller who has less of it left is refused. */
const SHORTEST_TALK_MS = 10_000;
/** A replica that was held up decides later than it was asked, and the decision counts from then. */
const HELD_UP_MS = 10 * 60_000;

/** One call or text by its id at the operator, whatever became of it: also one whose question was never answered. */
interface Attempt {
  readonly kind: 'call' | 'message';
  readonly id: string;
  readonly from: number | null;
  readonly dialled: string;
  readonly firstAskedAt: Instant;
  lastAskedAt: Instant;
  asks: number;
  /** questions that were refused within the deadline */
  refused: number;
  connected: boolean;
}

export interface LimitsAround {
  readonly pool: Pool;
  readonly reached: Reached;
  /** calls that all replicas together may connect in an hour of the clock; null is no cap */
  readonly hourlyCap: number | null;
  readonly skewMs: number;
  readonly callEnd: (callId: string) => Instant | null;
  /** when the operator told us of the end, and heard that we know */
  readonly reportedEnd: ReadonlyMap<string, Instant>;
}

/** Counts what each caller of a session has tried, as the limits of the pool do, from what the world has seen. */
export class CallLimits {
  readonly #around: LimitsAround;
  readonly #attempts = new Map<string, Attempt>();
  readonly #connectedInHour = new Map<number, Set<string>>();

  constructor(around: LimitsAround) {
    this.#around = around;
  }

  /** A question is on its way. */
  asked(
    question: Pick<Attempt, 'kind' | 'id' | 'from' | 'dialled'> & { account: string; at: Instant },
  ): void {
    const { account, at, ...rest } = question;
    const key = `${account}/${rest.kind}/${rest.id}/${rest.from}/${rest.dialled}`;
    const known = this.#attempts.get(key);
    if (known) {
      known.asks++;
      known.lastAskedAt = at;
      return;
    }
    const fresh = { ...rest, firstAskedAt: at, lastAskedAt: at, asks: 1, refused: 0, connected: false };
    this.#attempts.set(key, fresh);
  }

  answered(
    answer: Pick<Attempt, 'kind' | 'id' | 'from' | 'dialled'> & { account: string },
    outcome: 'connected' | 'refused' | 'late',
  ): void {
    const key = `${answer.account}/${answer.kind}/${answer.id}/${answer.from}/${answer.dialled}`;
    const attempt = this.#attempts.get(key);
    if (!attempt) return;
    if (outcome === 'connected') attempt.connected = true;
    if (outcome === 'refused') attempt.refused++;
  }

  /** Whether a limit may be why this was refused although the session is open. */
  mayRefuse(
    session: SessionHistory,
    kind: 'call' | 'message',
    id: string,
    from: number,
    at: Instant,
  ): boolean {
    const { pool, hourlyCap, skewMs } = this.#around;
    const slack = 2 * skewMs;
    if (kind === 'message') {
      const texts = this.#ofSession(session, 'message', null);
      const since = (ms: number): number =>
        texts.reduce((sum, one) => sum + (one.lastAskedAt > at - ms - slack ? one.asks : 0), 0);
      // What is asked again counts again, and so does this one.
      return since(60_000) > pool.messagesPerMinuteMax || since(24 * HOUR_MS) > pool.messagesPerDayMax;
    }
    if (hourlyCap !== null) return true;
    const others = this.#ofSession(session, 'call', from).filter((one) => one.id !== id);
    const tried = others.filter((one) => one.lastAskedAt > at - HOUR_MS - HELD_UP_MS - slack);
    if (tried.length >= pool.hourlyAttemptsMax) return true;
    const running = others.filter((one) => this.#mayRun(one, at, slack));
    if (running.length >= pool.concurrentCallsMax) return true;
    return this.#talkedMs(others, at) + SHORTEST_TALK_MS > pool.totalTalkSecondsMax * 1_000;
  }

  /** INV-23: nobody is connected beyond a limit. Counted are calls of which it is certain that they are under way. */
  judgeConnected(session: SessionHistory, id: string, from: number, at: Instant, until: Instant): void {
    const { pool, hourlyCap, skewMs, reached } = this.#around;
    const others = this.#ofSession(session, 'call', from).filter((one) => one.id !== id && one.connected);
    const heldMs = pool.ringTimeoutSeconds * 1_000;
    // A call that rings is held for as long as it may ring and talk, and one that has ended may be known to have.
    const running = others.filter(
      (one) =>
        this.#around.callEnd(one.id) === Number.POSITIVE_INFINITY &&
        at + 2 * skewMs < one.firstAskedAt + heldMs &&
        at > one.lastAskedAt,
    );
    if (others.length > 0) reached.count('a caller calls again in a session');
    demand(
      running.length < pool.concurrentCallsMax,
      () =>
        `INV-23 ${id} was connected beside ${running.map((one) => one.id)} of the same caller: ${pool.concurrentCallsMax} may be`,
    );
    if (hourlyCap === null) return;
    const hours = [at, until]
      .flatMap((one) => [one - skewMs, one + skewMs])
      .map((one) => Math.floor(one / HOUR_MS));
    const [hour = 0] = hours;
    if (hours.some((one) => one !== hour)) return;
    const calls = this.#connectedInHour.get(hour) ?? new Set();
    this.#connectedInHour.set(hour, calls.add(id));
    if (calls.size === hourlyCap) reached.count('a cap on calls was used up');
    demand(
      calls.size <= hourlyCap,
      () => `INV-23 ${calls.size} calls were connected in an hour: ${hourlyCap} may be`,
    );
  }

  /** Attempts of one participant, whichever phone they had, or of all of them. */
  #ofSession(session: SessionHistory, kind: 'call' | 'message', from: number | null): Attempt[] {
    const roles = new Set(
      session.snapshots.flatMap((one) => one.members.filter((m) => m.phone === from).map((m) => m.role)),
    );
    const phones = new Set(
      session.snapshots.flatMap((one) =>
        one.members.filter((m) => from === null || roles.has(m.role)).map((m) => m.phone),
      ),
    );
    return [...this.#attempts.values()].filter(
      (one) =>
        one.kind === kind &&
        one.from !== null &&
        phones.has(one.from) &&
        session.snapshots.some((snapshot) => reachedBy(snapshot, one.from ?? -1, one.dialled)),
    );
  }

  #mayRun(one: Attempt, at: Instant, slack: number): boolean {
    const { pool, reportedEnd } = this.#around;
    if (one.refused === one.asks) return false;
    if ((reportedEnd.get(one.id) ?? Number.POSITIVE_INFINITY) < at && one.connected) return false;
    const heldUpMs = one.connected && one.asks === 1 ? 0 : HELD_UP_MS;
    const heldMs = (pool.ringTimeoutSeconds + pool.maxCallSeconds) * 1_000;
    return one.lastAskedAt + heldMs + heldUpMs + slack >= at;
  }

  #talkedMs(attempts: readonly Attempt[], at: Instant): number {
    return attempts.reduce((sum, one) => {
      const end = one.connected ? this.#around.callEnd(one.id) : null;
      return end === null ? sum : sum + Math.max(0, Math.min(end, at) - one.firstAskedAt);
    }, 0);
  }
}
