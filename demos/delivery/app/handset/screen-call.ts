import type { HandsetCall, HandsetContact, HandsetView } from '../../server/api-types.ts';
import type { HandsetScreen } from './handset-desk.ts';

/** The call that fills the screen, if one does. */
export interface ScreenCall {
  readonly kind: 'dialling' | 'calling' | 'incoming' | 'answered' | 'announcement';
  readonly shownNumber: string;
  readonly contact: HandsetContact | null;
  /** null while there is no call yet, or none any more */
  readonly callId: string | null;
  readonly answeredAt: string | null;
  /** what the operator says instead of a connection */
  readonly heard: string | null;
}

/** A call that is up: the one that is talked on before the one that rings. */
export function activeCallOf({ calls }: HandsetView): HandsetCall | null {
  return (
    calls.find(({ state }) => state === 'answered') ?? calls.find(({ state }) => state === 'ringing') ?? null
  );
}

/** What the owner of the phone sees now: a call that is up, else what became of dialling. */
export function screenCallOf(
  screen: HandsetScreen,
  active: HandsetCall | null,
  contactOf: (shownNumber: string) => HandsetContact | null,
): ScreenCall | null {
  if (active) {
    const { callId, shownNumber, contact, answeredAt, direction, state } = active;
    const ringing = direction === 'incoming' ? 'incoming' : 'calling';
    const kind = state === 'answered' ? 'answered' : ringing;
    return { kind, callId, shownNumber, contact, answeredAt, heard: null };
  }
  const { dialling, announcement } = screen;
  const shownNumber = dialling ?? announcement?.dialled;
  if (shownNumber === undefined) return null;
  const kind = dialling === null ? 'announcement' : 'dialling';
  const heard = dialling === null ? (announcement?.text ?? null) : null;
  return { kind, shownNumber, contact: contactOf(shownNumber), callId: null, answeredAt: null, heard };
}
