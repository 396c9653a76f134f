import { assertNever } from '../../lib/assert.ts';
import type { CallInstruction, WebhookResponse, WebhookUrls } from '../provider.ts';

/** Exotel cuts a call after four hours at the latest. */
const MAX_CALL_SECONDS = 14_400;

/** Writes an instruction as the answer of a Connect applet with a dynamic URL (version 1.0). */
export function renderExotelCall(instruction: CallInstruction, urls: WebhookUrls): WebhookResponse {
  switch (instruction.decision) {
    case 'bridge':
      return json(bridge(instruction, urls));
    case 'announce':
    case 'collect_pin':
    case 'reject':
      // The applet can only dial. With nobody to dial the flow goes on to its next applet, which says that the
      // number cannot be connected, and hangs up.
      return json({ fetch_after_attempt: false, destination: { numbers: [] } });
    default:
      return assertNever(instruction);
  }
}

function bridge(instruction: Extract<CallInstruction, { decision: 'bridge' }>, urls: WebhookUrls): object {
  const { destination, callerId, ringTimeoutSeconds, maxCallSeconds, recording } = instruction;
  return {
    // Otherwise the URL is asked again after the attempt, and would have to say whom to dial next.
    fetch_after_attempt: false,
    destination: { numbers: [destination.reveal()] },
    outgoing_phone_number: callerId,
    record: recording !== undefined,
    ...(recording && {
      recording_channels: 'dual',
      start_call_playback: { playback_to: 'both', type: 'text', value: recording.consent },
    }),
    max_ringing_duration: ringTimeoutSeconds,
    max_conversation_duration: Math.min(maxCallSeconds, MAX_CALL_SECONDS),
    music_on_hold: { type: 'operator_tone' },
    parallel_ringing: { activate: false },
    dial_passthru_event_url: urls.status,
  };
}

/** A text is relayed by a request of its own; the applet reads an empty text as no reply. */
export function renderExotelMessage(): WebhookResponse {
  return { status: 200, contentType: 'text/plain', body: '' };
}

/** A Passthru applet reads nothing but the status. */
export function renderExotelAcknowledgement(): WebhookResponse {
  return { status: 200, contentType: 'text/plain', body: '' };
}

function json(body: object): WebhookResponse {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(body) };
}
