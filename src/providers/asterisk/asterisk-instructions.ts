import { ANNOUNCEMENTS, type Announcement } from '../../domain/route.ts';
import { assertNever } from '../../lib/assert.ts';
import type { CallInstruction, MessageInstruction, WebhookResponse } from '../provider.ts';

/** Q.850 causes that chan_pjsip turns into 404 and 410 (`hangup_cause2sip`), so that no edge sounds unlike another. */
const HANGUP_CAUSES: Readonly<Record<Announcement, number>> = { neutral: 1, session_ended: 22 };

/**
 * Writes an instruction as `key=value` pairs for CURLOPT(hashcompat). `dialOptions` goes into Dial() as it is: `I`
 * keeps connected-line updates, which carry the other side's number, from both; `S` ends the call after that many
 * seconds of talk.
 */
export function renderAsteriskCall(instruction: CallInstruction): WebhookResponse {
  switch (instruction.decision) {
    case 'bridge':
      return pairs({
        action: 'connect',
        destination: instruction.destination.reveal(),
        callerId: instruction.callerId,
        ringTimeoutSeconds: String(instruction.ringTimeoutSeconds),
        dialOptions: `IS(${instruction.maxCallSeconds})`,
      });
    case 'announce': {
      const { announcement } = instruction;
      const hangupCause = String(HANGUP_CAUSES[announcement]);
      return pairs({ action: 'announce', announcement, text: ANNOUNCEMENTS[announcement], hangupCause });
    }
    case 'collect_pin':
      return pairs({ action: 'collect_pin', digits: String(instruction.digits) });
    case 'reject':
      return pairs({ action: 'reject', hangupCause: String(HANGUP_CAUSES.neutral) });
    default:
      return assertNever(instruction);
  }
}

/** Asterisk asks about calls only. */
export function renderAsteriskMessage(_instruction: MessageInstruction): WebhookResponse {
  return pairs({ action: 'drop' });
}

export function renderAsteriskAcknowledgement(): WebhookResponse {
  return pairs({});
}

/** Percent signs and not plus signs for what is no letter: `hashcompat=yes` reads a plus sign as itself. */
function pairs(values: Readonly<Record<string, string>>): WebhookResponse {
  const body = Object.entries(values)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
  return { status: 200, contentType: 'text/plain; charset=utf-8', body };
}
