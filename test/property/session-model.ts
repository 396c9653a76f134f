import type { Pool } from '../../src/domain/pool.ts';
import type { SessionView } from '../../src/app/session-view.ts';

/** What the model knows of one session that opened. */
export interface ModelSession {
  readonly reference: string;
  /** person of each place, and the number that stands for them */
  readonly people: readonly number[];
  readonly numbers: readonly string[];
  readonly expiresAt: number;
  closedAt: number | null;
  /** until when it routes: its expiry, or the end of its grace */
  liveUntil: number;
  /** the later of the end of routing and the end of its last call; what rests, rests from here */
  restsFrom: number;
  /** the expirer has seen it, or somebody closed it */
  settled: boolean;
}

/**
 * What the product must do, said without tables: a list of sessions and a loop over it. Slow, and simple enough
 * to believe.
 */
export class SessionModel {
  readonly pool: Pool;
  readonly sessions: ModelSession[] = [];

  constructor(pool: Pool) {
    this.pool = pool;
  }

  /** Whom `caller` reaches on `dialled` now, and what that person sees; or why nobody. */
  route(
    caller: number,
    dialled: string,
    now: number,
  ): { to: number; shows: string } | 'session_ended' | 'unknown_caller' {
    let former = false;
    for (const session of this.sessions) {
      const called = session.numbers.indexOf(dialled);
      const calling = session.people.indexOf(caller);
      if (called < 0 || calling < 0 || called === calling) continue;
      if (now < session.liveUntil) {
        return { to: session.people[called] as number, shows: session.numbers[calling] as string };
      }
      if (!session.settled || now < session.restsFrom + this.pool.pairQuarantineSeconds * 1_000)
        former = true;
    }
    return former ? 'session_ended' : 'unknown_caller';
  }

  /** Adds what opened, after checking that nobody gets a number too early (INV-21, INV-02, INV-06). */
  opened(view: SessionView, people: readonly number[], now: number): void {
    const numbers = view.participants.map((p) => p.virtualNumber as string);
    if (new Set(numbers).size !== numbers.length)
      throw new Error('Two participants of a session share a number.');
    for (const before of this.sessions) this.#checkDistance(before, people, numbers, now);
    const expiresAt = Date.parse(view.expiresAt);
    this.sessions.push({
      reference: view.reference,
      people,
      numbers,
      expiresAt,
      closedAt: null,
      liveUntil: expiresAt,
      restsFrom: expiresAt,
      settled: false,
    });
  }

  close(session: ModelSession, now: number, completed: boolean, lastCallEnd: number | null): void {
    session.closedAt = now;
    session.settled = true;
    const grace = completed ? this.pool.graceSeconds * 1_000 : 0;
    session.liveUntil = Math.min(now + grace, Math.max(session.expiresAt, now));
    session.restsFrom = Math.max(session.liveUntil, lastCallEnd ?? 0);
  }

  live(reference: string): ModelSession | undefined {
    return this.sessions.find((session) => session.reference === reference && !session.settled);
  }

  #checkDistance(
    before: ModelSession,
    people: readonly number[],
    numbers: readonly string[],
    now: number,
  ): void {
    const pairRest = before.settled
      ? before.restsFrom + this.pool.pairQuarantineSeconds * 1_000
      : Number.POSITIVE_INFINITY;
    const numberRest = before.settled
      ? before.restsFrom + this.pool.numberQuarantineSeconds * 1_000
      : Number.POSITIVE_INFINITY;
    numbers.forEach((number, i) => {
      const stoodFor = before.numbers.indexOf(number);
      if (stoodFor < 0) return;
      if (this.pool.mode === 'dedicated' && now < numberRest)
        throw new Error('INV-21: a number was lent while it rests.');
      people.forEach((person, j) => {
        const dialledIt = before.people.some((other, k) => other === person && k !== stoodFor);
        if (i !== j && dialledIt && now < pairRest)
          throw new Error('INV-21: a person meets a number again too early.');
      });
    });
  }
}
