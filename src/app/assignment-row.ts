import type { SessionMode } from '../domain/session.ts';
import type { NewAssignment } from '../storage/assignment-storage.ts';
import type { SessionRow } from '../storage/session-storage.ts';

/** What the sessions that a lot makes have in common. */
export interface Common {
  readonly pool: string;
  readonly mode: SessionMode;
  readonly now: number;
  readonly expiresAt: number;
}

/** What storage would read back. */
export function toRow(
  one: NewAssignment,
  common: Common & { readonly state: 'open' | 'pending'; readonly exclusive: boolean },
): SessionRow {
  const { pool, mode, state, now, expiresAt, exclusive } = common;
  return {
    id: one.id,
    reference: one.reference,
    assignment: one.assignment,
    pool,
    mode,
    state,
    createdAt: now,
    openedAt: state === 'open' ? now : null,
    expiresAt,
    closedAt: null,
    closedReason: null,
    participants: one.participants.map((p) => ({ ...p, verifiedAt: p.verifiedAt ?? null, exclusive })),
  };
}
