import type { Pool } from '../../src/domain/pool.ts';
import type { Instant } from '../../src/lib/clock.ts';
import { type SqlConnection, statement } from '../../src/storage/sql/connection.ts';
import type { Reached } from '../world/reached.ts';
import { TENANT } from '../world/replica.ts';
import { demand, Violation } from '../world/violation.ts';
import { type ConnectedCall, reachedBy, SessionHistory, type Snapshot } from './session-history.ts';

const changedSessions = statement(
  'simulation_sessions',
  `select s.id, s.reference, s.assignment, s.state, s.created_at, s.opened_at, s.expires_at, s.closed_at,
          s.closed_reason, p.role, p.caller_key, p.virtual_number
     from session s join participant p on p.tenant = s.tenant and p.session_id = s.id
    where s.tenant = $1 and not (s.id = any($2)) order by s.created_at, s.id, p.place`,
);

/** A participant, with the session that it is of. */
export interface Row {
  readonly id: string;
  readonly reference: string;
  readonly assignment: number;
  readonly state: Snapshot['state'];
  readonly created_at: Instant;
  readonly opened_at: Instant | null;
  readonly expires_at: Instant;
  readonly closed_at: Instant | null;
  readonly closed_reason: string | null;
  readonly role: string;
  readonly caller_key: Uint8Array;
  readonly virtual_number: string | null;
}

/** What the observer must know of the world beyond the tables. */
export interface Surroundings {
  readonly now: () => Instant;
  readonly pool: Pool;
  readonly phoneByKey: ReadonlyMap<string, number>;
  /** the end of a call at the operator; infinity while it is up, null when it never connected anybody */
  readonly callEnd: (callId: string) => Instant | null;
  /** how far the clocks of two replicas may lie apart */
  readonly skewMs: number;
  readonly reached: Reached;
}

/** Sees every commit that touches a session, and remembers all of it. */
export class Observer {
  readonly sessions = new Map<string, SessionHistory>();
  readonly #around: Surroundings;
  readonly #closed: string[] = [];

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** To be asked within the transaction that is about to commit. */
  read(connection: SqlConnection): Promise<readonly Row[]> {
    return connection.query<Row>(changedSessions, [TENANT, this.#closed]);
  }

  /** @throws Violation */
  see(rows: readonly Row[]): void {
    const changed: [SessionHistory, Snapshot | undefined][] = [];
    for (const group of grouped(rows)) {
      const [first] = group;
      if (!first) continue;
      const history =
        this.sessions.get(first.id) ?? new SessionHistory(first.id, first.reference, first.assignment);
      this.sessions.set(first.id, history);
      const before = history.snapshots.at(-1);
      const snapshot = this.#toSnapshot(group);
      if (before && isSame(before, snapshot)) continue;
      history.snapshots.push(snapshot);
      if (snapshot.state === 'closed') this.#closed.push(history.id);
      changed.push([history, before]);
    }
    for (const [history, before] of changed) this.#check(history, before);
  }

  #toSnapshot(rows: readonly Row[]): Snapshot {
    const first = rows[0] as Row;
    return {
      since: this.#around.now(),
      state: first.state,
      createdAt: first.created_at,
      openedAt: first.opened_at,
      expiresAt: first.expires_at,
      closedAt: first.closed_at,
      closedReason: first.closed_reason,
      members: rows.map((row) => ({
        phone: this.#around.phoneByKey.get(Buffer.from(row.caller_key).toString('hex')) ?? -1,
        role: row.role,
        virtualNumber: row.virtual_number,
      })),
    };
  }

  #check(history: SessionHistory, before: Snapshot | undefined): void {
    const { latest } = history;
    const { reached } = this.#around;
    demand(before?.state !== 'closed', () => `INV-18 a closed session changed: ${history.id}`);
    reached.count(`session ${before?.state ?? 'new'} → ${latest.state}`);
    if (latest.state === 'closed') {
      reached.count(`session closed: ${latest.closedReason}`);
      if (latest.closedReason === 'reassigned') this.#checkSuccessor(history);
      const talks = [...history.calls.keys()].some(
        (id) => this.#around.callEnd(id) === Number.POSITIVE_INFINITY,
      );
      if (talks) reached.count('a session ended during a call');
    }
    if (latest.state !== 'open') return;
    const gotNumbers = before?.state !== 'open';
    demand(
      new Set(latest.members.map((m) => m.virtualNumber)).size === latest.members.length,
      () => `INV-03 two participants of ${history.id} share a number`,
    );
    if (gotNumbers) this.#countOpened(history);
    if (gotNumbers) for (const other of this.sessions.values()) this.#checkDistance(other, history);
  }

  /** What makes an opening interesting. */
  #countOpened(opened: SessionHistory): void {
    const { pool, reached } = this.#around;
    const { members } = opened.latest;
    reached.count(`opened in a ${pool.mode} pool`);
    if (members.length > 2) reached.count('opened with three people');
    if ((pool.stock?.fallbackAccounts.length ?? 0) > 0) reached.count('opened beside a second account');
    const isThere = (other: SessionHistory): boolean =>
      other !== opened &&
      other.latest.state === 'open' &&
      other.latest.members.some((one) => members.some((own) => own.phone === one.phone));
    if ([...this.sessions.values()].some(isThere)) reached.count('a person is in two sessions at once');
  }

  /** INV-15: there is no instant with neither of the two. */
  #checkSuccessor(history: SessionHistory): void {
    const successor = [...this.sessions.values()].some(
      (other) => other.reference === history.reference && other.assignment > history.assignment,
    );
    demand(successor, () => `INV-15 ${history.reference} was reassigned, and to nobody`);
  }

  /** INV-21: nobody gets a number back too early, and no number rests too short. */
  #checkDistance(other: SessionHistory, opened: SessionHistory): void {
    const { pool, skewMs, now } = this.#around;
    const fresh = opened.latest;
    const earlier = other === opened ? other.snapshots.slice(0, -1) : other.snapshots;
    for (const old of earlier.filter((one) => one.state === 'open')) {
      for (const { virtualNumber, phone: owner } of old.members) {
        const standsFor = fresh.members.find((member) => member.virtualNumber === virtualNumber);
        if (!virtualNumber || !standsFor) continue;
        const at = (fresh.openedAt ?? now()) + skewMs;
        this.#around.reached.count('a number is lent again');
        const rested = this.#restsFrom(
          other,
          opened,
          (one) => hasNumber(one, virtualNumber),
          (call) => call.dialled === virtualNumber || call.shows === virtualNumber,
        );
        if (pool.mode === 'dedicated' && at < rested + pool.numberQuarantineSeconds * 1_000) {
          throw new Violation(
            `INV-21 ${virtualNumber} of ${other.id} was lent to ${opened.id} while it rests`,
          );
        }
        const meets = fresh.members.find(
          (member) =>
            member !== standsFor &&
            old.members.some((was) => was.phone === member.phone && was.phone !== owner),
        );
        if (!meets) continue;
        const apart = this.#restsFrom(
          other,
          opened,
          (one) => reachedBy(one, meets.phone, virtualNumber) !== null,
          (call) => call.phone === meets.phone && call.dialled === virtualNumber,
        );
        if (at < apart + pool.pairQuarantineSeconds * 1_000) {
          throw new Violation(
            `INV-21 phone ${meets.phone} meets ${virtualNumber} of ${other.id} again in ${opened.id} too early`,
          );
        }
        if (meets) this.#around.reached.count('a person meets a number again');
      }
    }
  }

  /**
   * The later of the end of routing and the end of the last call, of whatever `holds` tells; infinity while
   * either lasts.
   */
  #restsFrom(
    history: SessionHistory,
    except: SessionHistory,
    holds: (snapshot: Snapshot) => boolean,
    concerns: (call: ConnectedCall) => boolean,
  ): Instant {
    const { snapshots } = history;
    const last = snapshots.findLastIndex((one) => one.state === 'open' && holds(one));
    const next = snapshots[last + 1];
    if (!next) return history === except ? 0 : Number.POSITIVE_INFINITY;
    let from = next.since;
    if (next.state === 'closed') {
      const grace = history.liveUntil(next, this.#around.pool.graceSeconds);
      from = Math.max(Math.min(next.closedAt ?? next.since, next.expiresAt), grace);
    }
    for (const [id, call] of history.calls) {
      if (concerns(call)) from = Math.max(from, this.#around.callEnd(id) ?? 0);
    }
    return from;
  }
}

function hasNumber(snapshot: Snapshot, virtualNumber: string): boolean {
  return snapshot.members.some((member) => member.virtualNumber === virtualNumber);
}

function grouped(rows: readonly Row[]): Row[][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.id);
    if (group) group.push(row);
    else groups.set(row.id, [row]);
  }
  return [...groups.values()];
}

function isSame(a: Snapshot, b: Snapshot): boolean {
  const { since: _a, ...one } = a;
  const { since: _b, ...two } = b;
  return JSON.stringify(one) === JSON.stringify(two);
}
