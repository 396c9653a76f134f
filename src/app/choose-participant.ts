import { MasklineError } from '../domain/errors.ts';
import type { ParticipantRow, SessionRow } from '../storage/session-storage.ts';

/**
 * The participant of a session by id, or by a role that only one of them has.
 * @throws MasklineError MASK_NOT_FOUND, MASK_INVALID_REQUEST
 */
export function chooseParticipant(
  session: Pick<SessionRow, 'participants'>,
  idOrRole: string,
): ParticipantRow {
  const byId = session.participants.find(({ id }) => id === idOrRole);
  if (byId) return byId;
  const [byRole, ...others] = session.participants.filter(({ role }) => role === idOrRole);
  if (!byRole) {
    throw new MasklineError('MASK_NOT_FOUND', 'The session has no participant by that id or role.');
  }
  if (others.length > 0) {
    throw new MasklineError('MASK_INVALID_REQUEST', 'Several participants have that role. Say which, by id.');
  }
  return byRole;
}
