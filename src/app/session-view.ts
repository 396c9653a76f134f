import type { ClosedReason, SessionState } from '../domain/session.ts';
import type { TenantKeys } from '../privacy/vault.ts';
import type { SessionRow } from '../storage/session-storage.ts';
import type { App } from './app.ts';

/** A session as the API shows it: real numbers masked, times in RFC 3339. */
export interface SessionView {
  readonly id: string;
  readonly reference: string;
  readonly assignment: number;
  readonly state: SessionState;
  readonly mode: string;
  readonly pool: string;
  readonly participants: readonly ParticipantView[];
  readonly createdAt: string;
  readonly openedAt: string | null;
  readonly expiresAt: string;
  readonly closedAt: string | null;
  readonly closedReason: ClosedReason | null;
}

export interface ParticipantView {
  readonly id: string;
  readonly role: string;
  readonly userId: string | null;
  /** `+91••••••3210`; null once erased */
  readonly realNumber: string | null;
  readonly virtualNumber: string | null;
}

export async function viewSession(app: App, tenant: string, row: SessionRow): Promise<SessionView> {
  return toSessionView(await app.vault.keysOf(tenant), row);
}

export function toSessionView(keys: TenantKeys, row: SessionRow): SessionView {
  return {
    id: row.id,
    reference: row.reference,
    assignment: row.assignment,
    state: row.state,
    mode: row.mode,
    pool: row.pool,
    participants: row.participants.map((p) => ({
      id: p.id,
      role: p.role,
      userId: p.userId,
      // Without the person's own key it was erased, though a restored backup may have put the sealed value back.
      realNumber:
        p.sealedNumber && p.participantKey
          ? keys.openNumber(p.sealedNumber, { table: 'participant', row: p.id }, p.participantKey).masked
          : null,
      virtualNumber: p.virtualNumber,
    })),
    createdAt: new Date(row.createdAt).toISOString(),
    openedAt: isoOrNull(row.openedAt),
    expiresAt: new Date(row.expiresAt).toISOString(),
    closedAt: isoOrNull(row.closedAt),
    closedReason: row.closedReason,
  };
}

function isoOrNull(instant: number | null): string | null {
  return instant === null ? null : new Date(instant).toISOString();
}
