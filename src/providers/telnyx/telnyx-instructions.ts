import { ANNOUNCEMENTS } from '../../domain/route.ts';
import { assertNever } from '../../lib/assert.ts';
import type { CallInstruction, WebhookResponse, WebhookUrls } from '../provider.ts';
import { element, toXmlDocument, type XmlElement } from '../xml.ts';

/** What `Dial` takes (TeXML reference): a shorter or longer limit is written as the nearest of these. */
const RING_SECONDS = { minimum: 5, maximum: 120 };
const CALL_SECONDS = { minimum: 60, maximum: 14_400 };
const PIN_TIMEOUT_SECONDS = 8;

/** Writes an instruction as TeXML. */
export function renderTelnyxCall(instruction: CallInstruction, urls: WebhookUrls): WebhookResponse {
  switch (instruction.decision) {
    case 'bridge':
      return respond(dial(instruction, urls));
    case 'announce':
      return respond(say(ANNOUNCEMENTS[instruction.announcement]), element('Hangup'));
    case 'collect_pin':
      return respond(collectPin(instruction.digits, urls), element('Hangup'));
    case 'reject':
      // Unanswered and free only as the first element.
      return respond(element('Reject', { reason: 'rejected' }));
    default:
      return assertNever(instruction);
  }
}

/** A text is relayed by a call to the API; Telnyx reads nothing but the status. */
export function renderTelnyxMessage(): WebhookResponse {
  return { status: 200, contentType: 'application/json', body: '{}' };
}

export function renderTelnyxAcknowledgement(): WebhookResponse {
  return respond();
}

type Bridge = Extract<CallInstruction, { decision: 'bridge' }>;

/** There is no `action`: the call ends with the dial. */
function dial(bridge: Bridge, urls: WebhookUrls): XmlElement {
  const callback = { statusCallback: urls.status, statusCallbackMethod: 'POST' };
  return element(
    'Dial',
    {
      callerId: bridge.callerId,
      timeout: within(RING_SECONDS, bridge.ringTimeoutSeconds),
      timeLimit: within(CALL_SECONDS, bridge.maxCallSeconds),
    },
    element(
      'Number',
      { ...callback, statusCallbackEvent: 'ringing answered completed' },
      bridge.destination.reveal(),
    ),
  );
}

function collectPin(digits: number, urls: WebhookUrls): XmlElement {
  const attributes = {
    action: urls.answer,
    method: 'POST',
    input: 'dtmf',
    numDigits: digits,
    timeout: PIN_TIMEOUT_SECONDS,
    finishOnKey: '#',
  };
  return element('Gather', attributes, say(`Please enter your PIN of ${digits} digits.`));
}

function say(text: string): XmlElement {
  return element('Say', { language: 'en-US' }, text);
}

function within(limits: { readonly minimum: number; readonly maximum: number }, seconds: number): number {
  return Math.min(limits.maximum, Math.max(limits.minimum, seconds));
}

function respond(...children: readonly XmlElement[]): WebhookResponse {
  const body = toXmlDocument(element('Response', {}, ...children));
  return { status: 200, contentType: 'application/xml', body };
}
