import type { VirtualNumber } from './virtual-number.ts';

/** `pending` waits for a virtual number; `open` routes; `closed` does not. See docs/state-machines.md. */
export type SessionState = 'pending' | 'open' | 'closed';

export const ClosedReason = {
  /** the order was completed: the pool's grace applies */
  Completed: 'completed',
  Cancelled: 'cancelled',
  /** its end never arrived, and its time was up */
  Expired: 'expired',
  /** a newer assignment of the same reference took its place */
  Reassigned: 'reassigned',
  /** closed through the API without a reason of the list */
  Closed: 'closed',
} as const;
export type ClosedReason = (typeof ClosedReason)[keyof typeof ClosedReason];

export type SessionMode = 'voice' | 'message' | 'voice_and_message';

export const PARTICIPANTS_MINIMUM = 2;
export const PARTICIPANTS_MAXIMUM = 10;

/** Whether conversations of this kind may pass through a session of this mode. */
export function modeAllows(mode: SessionMode, kind: 'call' | 'message'): boolean {
  return mode === 'voice_and_message' || mode === (kind === 'call' ? 'voice' : 'message');
}

export interface Session {
  readonly id: string;
  readonly reference: string;
  /** Grows with every change of driver; of two assignments of one reference the higher wins, whenever it arrives. */
  readonly assignment: number;
  readonly pool: string;
  readonly mode: SessionMode;
  readonly state: SessionState;
  readonly createdAt: number;
  readonly openedAt: number | null;
  readonly expiresAt: number;
  readonly closedAt: number | null;
  readonly closedReason: ClosedReason | null;
  readonly participants: readonly Participant[];
}

/** A person in a session, without the number that is theirs: that one lives sealed in storage. */
export interface Participant {
  readonly id: string;
  readonly role: string;
  readonly userId: string | null;
  /** the number that stands for this person: the others dial it and see it; null while the session is pending */
  readonly virtualNumber: VirtualNumber | null;
}
