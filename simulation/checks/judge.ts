import type { Pool } from '../../src/domain/pool.ts';
import { ANNOUNCEMENTS } from '../../src/domain/route.ts';
import type { Instant } from '../../src/lib/clock.ts';
import { phoneOf } from '../world/people.ts';
import type { Reached } from '../world/reached.ts';
import { demand } from '../world/violation.ts';
import { type Asked, readAnswer } from './asked.ts';
import { CallLimits } from './call-limits.ts';
import type { Opening, Permissions } from './permissions.ts';
import { type Member, reachedBy, type SessionHistory, type Snapshot } from './session-history.ts';

/** An answer that takes longer is the neutral sentence. Of the 400 ms of a provider, the rest is for HTTP, which a run has not. */
export const DEADLINE_MS = 350;
const REPLAY_MS = 60_000;
/** After an answer that came too late, so much later nobody is told anything else. */
const WITHDRAWN_MS = 5_000;

/** Judges every answer by what was committed when it was given. */
export class Judge {
  readonly #sessions: ReadonlyMap<string, SessionHistory>;
  readonly #pool: Pool;
  readonly #reached: Reached;
  /** by account, kind and id */
  readonly #earlier = new Map<string, Asked[]>();
  /** numbers that are gone at the operator: they may be refused at any time */
  readonly gone = new Set<string>();
  /** calls of which an operator has reported the end, and was told that it arrived; and when */
  readonly reportedEnd = new Map<string, Instant>();
  /** when each replica died that did */
  readonly deaths = new Map<string, Instant>();
  readonly #callEnd: (callId: string) => Instant | null;
  readonly #permissions: Permissions;
  readonly limits: CallLimits;

  constructor(
    sessions: ReadonlyMap<string, SessionHistory>,
    around: {
      readonly pool: Pool;
      readonly reached: Reached;
      readonly callEnd: (callId: string) => Instant | null;
      readonly hourlyCap: number | null;
      readonly skewMs: number;
      readonly permissions: Permissions;
    },
  ) {
    this.#permissions = around.permissions;
    this.limits = new CallLimits({ ...around, reportedEnd: this.reportedEnd });
    this.#sessions = sessions;
    this.#pool = around.pool;
    this.#reached = around.reached;
    this.#callEnd = around.callEnd;
  }

  /** @throws Violation */
  hear(asked: Asked): void {
    const told = readAnswer(asked.body);
    const key = `${asked.account}/${asked.kind}/${asked.id}`;
    const earlier = this.#earlier.get(key) ?? [];
    this.#earlier.set(key, [...earlier, asked]);
    const late = asked.answeredAt - asked.askedAt >= DEADLINE_MS;
    this.limits.answered(asked, told.connected ? 'connected' : late || asked.excused ? 'late' : 'refused');
    if (told.asksForPin) this.#reached.count('asked for a PIN');
    if (told.connected) this.#judgeConnected(asked, told.connected, earlier);
    else this.#judgeRefused(asked, told.sentence, earlier);
    for (const before of earlier) this.#judgeRepeated(before, asked, earlier);
  }

  /** INV-20, INV-22, INV-23 (soundness), INV-28. */
  #judgeConnected(
    asked: Asked,
    { to, shows }: { to: string; shows: string },
    earlier: readonly Asked[],
  ): void {
    const isToldAgain = earlier.some((one) => readAnswer(one.body).connected !== null);
    const where = `${asked.kind} ${asked.id} from phone ${asked.from} to ${asked.dialled}`;
    demand(!asked.illegitimate, () => `INV-23 connected although nobody may ask so: ${where}`);
    const took = asked.answeredAt - asked.askedAt;
    demand(took <= DEADLINE_MS, () => `INV-20 connected after ${took} ms: ${where}`);
    const callee = phoneOf(to);
    for (const session of this.#sessions.values()) {
      for (const snapshot of session.during(asked.askedAt, asked.answeredAt)) {
        const live = asked.askedAt + asked.skewMs < session.liveUntil(snapshot, this.#pool.graceSeconds);
        if (!live) continue;
        const right = this.#rightsOf(session, snapshot, asked).find(
          (one) => one.to.phone === callee && one.as.virtualNumber === shows,
        );
        if (!right) continue;
        const { as, to: called, opening } = right;
        opening?.used.add(asked.id);
        const forbidden = this.#permissions.forbids(session, as, called, asked.askedAt, isToldAgain);
        demand(forbidden === null, () => `INV-18 connected although ${forbidden}: ${where}`);
        if (asked.kind === 'call') {
          session.calls.set(asked.id, { phone: as.phone, dialled: asked.dialled, shows });
          this.limits.judgeConnected(session, asked.id, as.phone, asked.askedAt, asked.answeredAt);
        }
        this.#reached.count(`connected ${asked.kind}`);
        if (opening)
          this.#reached.count(opening.pin === null ? 'connected as announced' : 'connected by a PIN');
        if (snapshot.state === 'closed') this.#reached.count('connected within the grace');
        return;
      }
    }
    const known = [...this.#sessions.values()].filter((session) =>
      session.snapshots.some((one) => reachedBy(one, asked.from ?? -1, asked.dialled)?.to === callee),
    );
    const why =
      known.length > 0
        ? 'INV-20 connected by a session that is over'
        : 'INV-22 connected to the wrong person';
    demand(false, () => `${why}: ${where} → phone ${callee}, sessions ${known.map((one) => one.id)}`);
  }

  /** As whom this caller may reach whom by this session: by their own phone, or by what they have announced or keyed in. */
  #rightsOf(
    session: SessionHistory,
    snapshot: Snapshot,
    asked: Asked,
  ): readonly { readonly as: Member; readonly to: Member; readonly opening?: Opening }[] {
    const as = snapshot.members.find((member) => member.phone === asked.from);
    const to = snapshot.members.find((member) => member.virtualNumber === asked.dialled);
    if (as?.virtualNumber && to && as !== to) return [{ as, to }];
    return asked.kind === 'call' ? this.#permissions.ways(session, snapshot, asked) : [];
  }

  /** INV-23 (completeness); M8: strangers learn nothing. */
  #judgeRefused(asked: Asked, sentence: string | null, earlier: readonly Asked[]): void {
    const { from, dialled, askedAt, answeredAt, skewMs } = asked;
    if (sentence === ANNOUNCEMENTS.session_ended) {
      const wasMember = [...this.#sessions.values()].some((session) =>
        session.snapshots.some(
          (one) => one.since <= answeredAt && from !== null && reachedBy(one, from, dialled),
        ),
      );
      // Whoever was let in by an announcement or a PIN has been a participant for that call.
      const wasLetIn = earlier.some((one) => readAnswer(one.body).connected !== null);
      demand(
        wasMember || wasLetIn,
        () => `M8 a stranger was told that an order has ended: ${asked.id} phone ${from}`,
      );
      this.#reached.count('refused: session ended');
    } else this.#reached.count('refused: neutral');
    const hasJustEnded = [...this.#sessions.values()].some(
      ({ latest, snapshots }) =>
        latest.state === 'closed' &&
        askedAt - latest.since <= 1_000 &&
        snapshots.some((one) => one.state === 'open' && from !== null && reachedBy(one, from, dialled)),
    );
    if (hasJustEnded) this.#reached.count('asked within a second of the end');
    if (asked.excused || asked.illegitimate || from === null || earlier.length > 0 || this.gone.has(dialled))
      return;
    if (answeredAt - askedAt >= DEADLINE_MS) return;
    for (const session of this.#sessions.values()) {
      const meanwhile = session.during(askedAt, answeredAt);
      const all = meanwhile.every(
        (one) => one.state === 'open' && reachedBy(one, from, dialled) && answeredAt + skewMs < one.expiresAt,
      );
      // One that opens in the millisecond of the question, or later, may have opened after the look-up.
      const [first] = meanwhile;
      const opensNow = first === session.snapshots[0] && (first?.since ?? 0) >= askedAt;
      if (meanwhile.length === 0 || !all || opensNow) continue;
      const why = this.#mayForbid(meanwhile, session, asked);
      if (why !== null) {
        this.#reached.count(`refused: ${why}`);
        continue;
      }
      if (this.limits.mayRefuse(session, asked.kind, asked.id, from, answeredAt)) {
        this.#reached.count(`refused: ${asked.kind} beyond a limit`);
        continue;
      }
      demand(
        false,
        () =>
          `INV-23 ${asked.kind} ${asked.id} from phone ${from} to ${dialled} was refused although ${session.id} is open`,
      );
    }
  }

  #mayForbid(meanwhile: readonly Snapshot[], session: SessionHistory, asked: Asked): string | null {
    for (const { members } of meanwhile) {
      const as = members.find((member) => member.phone === asked.from);
      const to = members.find((member) => member.virtualNumber === asked.dialled);
      const why = as && to ? this.#permissions.mayForbid(session, as, to, asked.answeredAt) : null;
      if (why !== null) return why;
    }
    return null;
  }

  /** INV-24: one call has one answer, and a captured question is worth nothing later or to anybody else. */
  #judgeRepeated(before: Asked, asked: Asked, earlier: readonly Asked[]): void {
    this.#reached.count('asked again');
    const first = readAnswer(before.body);
    const again = readAnswer(asked.body);
    const where = `${asked.kind} ${asked.id}`;
    if (again.connected) {
      const sameQuestion = before.from === asked.from && before.dialled === asked.dialled;
      // One without a PIN may come late, when the next, with it, has been answered.
      const isSameStep = before.digits === asked.digits;
      demand(sameQuestion || !first.connected, () => `INV-24 somebody else was told what ${where} was told`);
      if (first.connected) {
        demand(
          before.body === asked.body || this.#changedMeanwhile(before, asked),
          () => `INV-24 ${where} got two different answers`,
        );
        const age = asked.askedAt - before.answeredAt;
        demand(
          age <= REPLAY_MS + Math.abs(asked.skewMs - before.skewMs),
          () => `INV-24 ${where} was answered again after ${age} ms`,
        );
        const ended = (this.reportedEnd.get(asked.id) ?? Number.POSITIVE_INFINITY) < asked.askedAt;
        demand(asked.kind === 'message' || !ended, () => `INV-24 ${where} was answered again after its end`);
      } else if (sameQuestion && isSameStep && !before.excused && !first.asksForPin) {
        const late = before.answeredAt - before.askedAt >= DEADLINE_MS;
        // Of two questions at once one may be late: what the other was told in time stays true.
        const toldElsewhere = earlier.some(
          (one) => readAnswer(one.body).connected && one.askedAt - before.answeredAt < WITHDRAWN_MS,
        );
        // A replica that said that it took too long, and died before it could note that, has left nothing behind.
        const diedAt = this.deaths.get(before.replica) ?? Number.POSITIVE_INFINITY;
        const forgotten = diedAt - before.answeredAt < WITHDRAWN_MS;
        demand(
          late && (toldElsewhere || forgotten || asked.askedAt - before.answeredAt < WITHDRAWN_MS),
          () =>
            `INV-24 ${where} was refused first (${before.body}, ${before.askedAt % 86_400_000}–${before.answeredAt % 86_400_000} ms) and connected later (${asked.askedAt % 86_400_000} ms)`,
        );
      }
      return;
    }
    if (!first.connected || asked.excused || asked.answeredAt - asked.askedAt >= DEADLINE_MS) return;
    this.#judgeTakenBack(before, asked);
  }

  /** Somebody has another phone since, or other numbers: then the answer of now is the right one. */
  #changedMeanwhile(before: Asked, asked: Asked): boolean {
    return [...this.#sessions.values()].some(
      (session) => session.calls.has(asked.id) && session.during(before.askedAt, asked.answeredAt).length > 1,
    );
  }

  #judgeTakenBack(before: Asked, asked: Asked): void {
    if (before.from !== asked.from || before.dialled !== asked.dialled || asked.illegitimate) return;
    const ended = this.#callEnd(asked.id);
    if ((ended !== null && Number.isFinite(ended)) || this.gone.has(asked.dialled)) return;
    if (asked.answeredAt - before.askedAt > REPLAY_MS - 2_000) return;
    for (const session of this.#sessions.values()) {
      const meanwhile = session.during(before.askedAt, asked.answeredAt);
      const all = meanwhile.every(
        (one) =>
          one.state === 'open' &&
          reachedBy(one, asked.from ?? -1, asked.dialled) &&
          asked.answeredAt + asked.skewMs < one.expiresAt,
      );
      if (all && this.#mayForbid(meanwhile, session, asked) !== null) continue;
      const told = [before, asked].map(
        (one) => `${one.askedAt % 86_400_000}–${one.answeredAt % 86_400_000} ms`,
      );
      demand(
        meanwhile.length === 0 || !all,
        () => `INV-24 ${asked.id} was connected first (${told[0]}) and refused when asked again (${told[1]})`,
      );
    }
  }
}
