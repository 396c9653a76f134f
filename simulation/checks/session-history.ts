import type { Instant } from '../../src/lib/clock.ts';

export interface Member {
  readonly phone: number;
  readonly role: string;
  /** the number that stands for this person */
  readonly virtualNumber: string | null;
}

/** What was committed of a session, from `since` on until the next one. Row instants are of the writer's clock. */
export interface Snapshot {
  readonly since: Instant;
  readonly state: 'pending' | 'open' | 'closed';
  readonly createdAt: Instant;
  readonly openedAt: Instant | null;
  readonly expiresAt: Instant;
  readonly closedAt: Instant | null;
  readonly closedReason: string | null;
  readonly members: readonly Member[];
}

export interface ConnectedCall {
  readonly phone: number;
  readonly dialled: string;
  readonly shows: string;
}

/** One session, as everybody could see it, at every instant of the run. */
export class SessionHistory {
  readonly id: string;
  readonly reference: string;
  readonly assignment: number;
  readonly snapshots: Snapshot[] = [];
  /** the calls that were connected by it, by the operator's id */
  readonly calls = new Map<string, ConnectedCall>();

  constructor(id: string, reference: string, assignment: number) {
    this.id = id;
    this.reference = reference;
    this.assignment = assignment;
  }

  get latest(): Snapshot {
    return this.snapshots.at(-1) as Snapshot;
  }

  get wasOpen(): boolean {
    return this.snapshots.some((snapshot) => snapshot.state === 'open');
  }

  /** Every snapshot that was in force at some instant from `from` to `until`, both included. */
  during(from: Instant, until: Instant): Snapshot[] {
    return this.snapshots.filter((snapshot, i) => {
      const end = this.snapshots[i + 1]?.since ?? Number.POSITIVE_INFINITY;
      return snapshot.since <= until && end >= from;
    });
  }

  /** Until when a route of this snapshot connects, on the clock of whoever is asked. */
  liveUntil(snapshot: Snapshot, graceSeconds: number): Instant {
    if (snapshot.state === 'open') return snapshot.expiresAt;
    if (snapshot.state !== 'closed' || snapshot.closedAt === null || !this.wasOpen) return 0;
    // Without grace a committed end is the end, whatever the clocks say (INV-20).
    if (snapshot.closedReason !== 'completed' || graceSeconds === 0) return 0;
    return Math.min(
      snapshot.closedAt + graceSeconds * 1_000,
      Math.max(snapshot.expiresAt, snapshot.closedAt),
    );
  }
}

/** Whom `phone` reaches by dialling `dialled` in this snapshot, and what that person sees. */
export function reachedBy(
  snapshot: Snapshot,
  phone: number,
  dialled: string,
): { readonly to: number; readonly shows: string } | null {
  const calling = snapshot.members.find((member) => member.phone === phone);
  const called = snapshot.members.find((member) => member.virtualNumber === dialled);
  if (!calling?.virtualNumber || !called || calling === called) return null;
  return { to: called.phone, shows: calling.virtualNumber };
}
