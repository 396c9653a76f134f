import { ANNOUNCEMENTS } from '../../domain/route.ts';
import { assertNever } from '../../lib/assert.ts';
import type { CallInstruction, WebhookResponse, WebhookUrls } from '../provider.ts';
import { withoutPlus } from '../wire-number.ts';

/** The longest that Vonage lets `connect` last, and what it takes for a limit. A longer call is cut at this. */
export const CALL_SECONDS_MAXIMUM = 7_200;
/** The most that Vonage waits for a digit is 10 s. */
const PIN_TIMEOUT_SECONDS = 8;

/** Writes an instruction as a call control object (NCCO). Numbers are written without a plus sign. */
export function renderVonageCall(instruction: CallInstruction, urls: WebhookUrls): WebhookResponse {
  switch (instruction.decision) {
    case 'bridge':
      return respond([connect(instruction, urls)]);
    case 'announce':
      return respond([talk(ANNOUNCEMENTS[instruction.announcement])]);
    case 'collect_pin':
      return respond(collectPin(instruction.digits, urls));
    case 'reject':
      // There is no verb for it; a call with nothing to do ends.
      return respond([]);
    default:
      return assertNever(instruction);
  }
}

/** A text is relayed by a call to the API; Vonage reads nothing but the status. */
export function renderVonageMessage(): WebhookResponse {
  return renderVonageAcknowledgement();
}

export function renderVonageAcknowledgement(): WebhookResponse {
  return { status: 200, contentType: 'application/json', body: '{}' };
}

type Bridge = Extract<CallInstruction, { decision: 'bridge' }>;

function connect(bridge: Bridge, urls: WebhookUrls): object {
  return {
    action: 'connect',
    endpoint: [{ type: 'phone', number: withoutPlus(bridge.destination.reveal()) }],
    from: withoutPlus(bridge.callerId),
    timeout: bridge.ringTimeoutSeconds,
    limit: Math.min(bridge.maxCallSeconds, CALL_SECONDS_MAXIMUM),
    eventUrl: [urls.status],
    eventMethod: 'POST',
  };
}

function collectPin(digits: number, urls: WebhookUrls): object[] {
  return [
    { ...talk(`Please enter your PIN of ${digits} digits.`), bargeIn: true },
    {
      action: 'input',
      type: ['dtmf'],
      dtmf: { maxDigits: digits, timeOut: PIN_TIMEOUT_SECONDS, submitOnHash: true },
      eventUrl: [urls.answer],
      eventMethod: 'POST',
    },
  ];
}

function talk(text: string): object {
  return { action: 'talk', text, language: 'en-US' };
}

function respond(actions: readonly object[]): WebhookResponse {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(actions) };
}
