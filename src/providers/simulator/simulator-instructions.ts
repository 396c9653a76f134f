import { ANNOUNCEMENTS } from '../../domain/route.ts';
import { assertNever } from '../../lib/assert.ts';
import type { CallInstruction, MessageInstruction, WebhookResponse } from '../provider.ts';

/** Writes an instruction in the operator's words (simulator/README.md). */
export function renderSimulatorCall(instruction: CallInstruction): WebhookResponse {
  switch (instruction.decision) {
    case 'bridge':
      return json({
        action: 'connect',
        to: instruction.destination.reveal(),
        callerId: instruction.callerId,
        ringTimeoutSeconds: instruction.ringTimeoutSeconds,
        maxCallSeconds: instruction.maxCallSeconds,
      });
    case 'announce':
      return json({ action: 'announce', text: ANNOUNCEMENTS[instruction.announcement] });
    case 'collect_pin': {
      const { digits } = instruction;
      return json({ action: 'gather', digits, text: `Please enter your PIN of ${digits} digits.` });
    }
    case 'reject':
      return json({ action: 'reject' });
    default:
      return assertNever(instruction);
  }
}

export function renderSimulatorMessage(instruction: MessageInstruction): WebhookResponse {
  switch (instruction.decision) {
    case 'relay':
      return json({
        action: 'deliver',
        to: instruction.destination.reveal(),
        from: instruction.sender,
        body: instruction.body,
      });
    case 'drop':
      return json({ action: 'drop' });
    default:
      return assertNever(instruction);
  }
}

/** The operator reads nothing but the status. */
export function renderSimulatorAcknowledgement(): WebhookResponse {
  return json({});
}

function json(body: object): WebhookResponse {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(body) };
}
