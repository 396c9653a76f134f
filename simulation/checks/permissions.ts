import { LIMITS } from '../../src/app/limits.ts';
import type { Instant } from '../../src/lib/clock.ts';
import { SECOND } from '../world/people.ts';
import type { Member, SessionHistory, Snapshot } from './session-history.ts';

/** Something that was asked of us, in true time. Null: not confirmed, so that it may be in force or not. */
interface Wish {
  readonly askedAt: Instant;
  doneAt: Instant | null;
}

interface PairBlock extends Wish {
  readonly sessionId: string;
  /** roles */
  readonly blocking: string;
  readonly blocked: string;
}

interface PersonBlock extends Wish {
  readonly person: number;
}

interface Rule extends Wish {
  readonly allows: boolean;
}

/** A call that a participant has announced, or for which they hold a PIN. */
export interface Opening extends Wish {
  readonly sessionId: string;
  readonly caller: string;
  /** null: whomever they dial */
  readonly callee: string | null;
  /** null: any phone */
  readonly phone: number | null;
  /** null: announced */
  pin: string | null;
  /** the calls that it has connected */
  readonly used: Set<string>;
}

/** As whom somebody is let in, and to whom. */
interface Way {
  readonly opening: Opening;
  readonly as: Member;
  readonly to: Member;
}

/** A question, as far as it matters here. */
export interface AskedBy {
  readonly id: string;
  readonly from: number | null;
  readonly dialled: string;
  readonly askedAt: Instant;
  readonly answeredAt: Instant;
  readonly digits: string | null;
}

/** A pool's rule is known to every replica after a second. */
const RULE_MS = 1_000;
/** A replica that was held up decides later than it was asked. */
const HELD_UP_MS = 10 * 60_000;

/** Whom participants and the company keep away, where the pool connects to, and which strangers may be let in. */
export class Permissions {
  readonly pairs: PairBlock[] = [];
  readonly persons: PersonBlock[] = [];
  readonly rules: Rule[] = [];
  readonly openings: Opening[] = [];
  readonly #skewMs: number;

  constructor(skewMs: number) {
    this.#skewMs = skewMs;
  }

  /**
   * Why it is certain that `from` must not be connected with `to` at this moment; null when it is not. What was decided
   * before the rule of the pool changed is told again.
   */
  forbids(
    session: SessionHistory,
    from: Member,
    to: Member,
    at: Instant,
    isToldAgain: boolean,
  ): string | null {
    const isDone = (wish: Wish): boolean => wish.doneAt !== null && wish.doneAt < at;
    const pair = this.pairs.some((one) => isDone(one) && isPair(one, session.id, from, to));
    if (pair) return 'blocked by the other';
    // What opened at the moment of the block is stopped some seconds later.
    const opened = session.snapshots.find((one) => one.state === 'open')?.since ?? at;
    const person = this.persons.some((one) => isDone(one) && opened < one.askedAt && isPerson(one, from, to));
    if (person) return 'blocked by the company';
    const last = this.rules.at(-1);
    const isForbidden = last && !isToldAgain && !last.allows && last.doneAt !== null;
    return isForbidden && (last.doneAt ?? at) + RULE_MS + 2 * this.#skewMs < at
      ? 'outside of the rule'
      : null;
  }

  /** Why `from` may have been refused although the session is open; null when nothing speaks against it. */
  mayForbid(session: SessionHistory, from: Member, to: Member, until: Instant): string | null {
    if (this.pairs.some((one) => one.askedAt <= until && isPair(one, session.id, from, to)))
      return 'blocked by the other';
    if (this.persons.some((one) => one.askedAt <= until && isPerson(one, from, to)))
      return 'blocked by the company';
    if (this.mayBeNarrow(until)) return 'outside of the rule';
    // Calls from other phones count for the same participant.
    return this.openings.some((one) => one.sessionId === session.id && one.caller === from.role)
      ? 'beside calls from other phones'
      : null;
  }

  /** Whether the pool may connect to nobody at this moment, or may have until lately. */
  mayBeNarrow(at: Instant): boolean {
    return this.rules.some((rule, i) => {
      if (rule.allows || rule.askedAt > at) return false;
      const lifted = this.rules.slice(i + 1).find((one) => one.allows && one.doneAt !== null);
      return (lifted?.doneAt ?? at) + RULE_MS + 2 * this.#skewMs + HELD_UP_MS >= at;
    });
  }

  mayBeBlocked(person: number): boolean {
    return this.persons.some((one) => one.person === person);
  }

  /** Which announcements and PINs may let this caller in as a participant of the session, those that have let in this call first. */
  ways(session: SessionHistory, snapshot: Snapshot, asked: AskedBy): readonly Way[] {
    const to = snapshot.members.find((member) => member.virtualNumber === asked.dialled);
    if (!to) return [];
    const ways = this.openings.flatMap((opening): Way[] => {
      const as = snapshot.members.find((member) => member.role === opening.caller);
      if (opening.sessionId !== session.id || !as || as === to) return [];
      if (opening.callee !== null && opening.callee !== to.role) return [];
      if (opening.askedAt > asked.answeredAt || this.#isReplaced(opening, asked.askedAt)) return [];
      const fits = opening.pin === null ? this.#isAnnounced(opening, asked) : opening.pin === asked.digits;
      return fits ? [{ opening, as, to }] : [];
    });
    const isUsed = ({ opening }: Way): boolean => opening.used.has(asked.id);
    return [...ways.filter(isUsed), ...ways.filter((way) => !isUsed(way))];
  }

  /** A new PIN takes the place of the one before. */
  #isReplaced({ pin, sessionId, caller }: Opening, at: Instant): boolean {
    if (pin === null) return false;
    const latest = this.openings.findLast(
      (one) => one.pin !== null && one.sessionId === sessionId && one.caller === caller,
    );
    return latest !== undefined && latest.pin !== pin && latest.doneAt !== null && latest.doneAt < at;
  }

  #isAnnounced(opening: Opening, asked: AskedBy): boolean {
    if (opening.phone !== null && opening.phone !== asked.from) return false;
    // One call for each announcement, and it may be told again.
    if (opening.used.size > 0 && !opening.used.has(asked.id)) return false;
    if (opening.used.has(asked.id)) return true;
    const until = opening.doneAt ?? opening.askedAt + HELD_UP_MS;
    return asked.askedAt <= until + LIMITS.callIntentSeconds * 1_000 + 2 * this.#skewMs;
  }
}

function isPair(block: PairBlock, sessionId: string, from: Member, to: Member): boolean {
  return block.sessionId === sessionId && block.blocked === from.role && block.blocking === to.role;
}

function isPerson(block: PersonBlock, from: Member, to: Member): boolean {
  return [from, to].some((member) => member.phone % SECOND === block.person);
}
