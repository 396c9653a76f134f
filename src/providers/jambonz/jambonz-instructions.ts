import { ANNOUNCEMENTS } from '../../domain/route.ts';
import { assertNever } from '../../lib/assert.ts';
import type { CallInstruction, WebhookResponse, WebhookUrls } from '../provider.ts';

/**
 * Writes an instruction as jambonz verbs. `forwardPAI: false` is the leak switch: without it the dial verb copies
 * the caller's P-Asserted-Identity and Privacy onto the callee's leg.
 */
export function renderJambonzCall(instruction: CallInstruction, urls: WebhookUrls): WebhookResponse {
  switch (instruction.decision) {
    case 'bridge':
      return verbs({
        verb: 'dial',
        callerId: instruction.callerId,
        answerOnBridge: true,
        timeout: instruction.ringTimeoutSeconds,
        timeLimit: instruction.maxCallSeconds,
        forwardPAI: false,
        target: [{ type: 'phone', number: instruction.destination.reveal() }],
      });
    case 'announce':
      return verbs({ verb: 'say', text: ANNOUNCEMENTS[instruction.announcement] }, { verb: 'hangup' });
    case 'collect_pin': {
      const { digits } = instruction;
      const say = { text: `Please enter your PIN of ${digits} digits.` };
      // Without digits the call must not go on to nothing.
      return verbs(
        { verb: 'gather', input: ['digits'], numDigits: digits, timeout: 10, actionHook: urls.answer, say },
        { verb: 'hangup' },
      );
    }
    case 'reject':
      return verbs({ verb: 'sip:decline', status: 404, reason: 'Not Found' });
    default:
      return assertNever(instruction);
  }
}

/** jambonz asks about calls only. */
export function renderJambonzMessage(): WebhookResponse {
  return verbs();
}

export function renderJambonzAcknowledgement(): WebhookResponse {
  return verbs();
}

function verbs(...list: readonly object[]): WebhookResponse {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(list) };
}
