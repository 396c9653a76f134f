import { ANNOUNCEMENTS } from '../../domain/route.ts';
import { assertNever } from '../../lib/assert.ts';
import type { CallInstruction, MessageInstruction, WebhookResponse } from '../provider.ts';

/** Writes an instruction in the words of `POST /v1/route-decisions`, so that an edge reads both alike. */
export function renderSipCall(instruction: CallInstruction): WebhookResponse {
  switch (instruction.decision) {
    case 'bridge':
      return json({
        decision: 'bridge',
        destination: instruction.destination.reveal(),
        callerId: instruction.callerId,
        ringTimeoutSeconds: instruction.ringTimeoutSeconds,
        maxCallSeconds: instruction.maxCallSeconds,
      });
    case 'announce':
      return json({ decision: 'announce', announcement: ANNOUNCEMENTS[instruction.announcement] });
    case 'collect_pin':
    // An edge has no voice menu: who would have to key in a PIN is not connected.
    case 'reject':
      return json({ decision: 'reject' });
    default:
      return assertNever(instruction);
  }
}

export function renderSipMessage(instruction: MessageInstruction): WebhookResponse {
  switch (instruction.decision) {
    case 'relay':
      return json({
        decision: 'relay',
        destination: instruction.destination.reveal(),
        sender: instruction.sender,
        body: instruction.body,
      });
    case 'drop':
      return json({ decision: 'drop' });
    default:
      return assertNever(instruction);
  }
}

/** The edge reads nothing but the status. */
export function renderSipAcknowledgement(): WebhookResponse {
  return json({});
}

function json(body: object): WebhookResponse {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(body) };
}
