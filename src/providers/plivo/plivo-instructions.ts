import { ANNOUNCEMENTS } from '../../domain/route.ts';
import { assertNever } from '../../lib/assert.ts';
import type { CallInstruction, MessageInstruction, WebhookResponse, WebhookUrls } from '../provider.ts';
import { withoutPlus } from '../wire-number.ts';
import { element, toXmlDocument, type XmlElement } from '../xml.ts';

/** Between two digits of a PIN, and before the first. */
const PIN_TIMEOUT_SECONDS = 8;

/** Writes an instruction as Plivo XML. Numbers are written without a plus sign, as Plivo itself does. */
export function renderPlivoCall(instruction: CallInstruction, urls: WebhookUrls): WebhookResponse {
  switch (instruction.decision) {
    case 'bridge':
      return respond(dial(instruction, urls));
    case 'announce':
      return respond(speak(ANNOUNCEMENTS[instruction.announcement]), element('Hangup', {}));
    case 'collect_pin':
      return respond(collectPin(instruction.digits, urls), element('Hangup', {}));
    case 'reject':
      // Plivo refuses without answering only when this is the first element.
      return respond(element('Hangup', { reason: 'rejected' }));
    default:
      return assertNever(instruction);
  }
}

export function renderPlivoMessage(instruction: MessageInstruction): WebhookResponse {
  switch (instruction.decision) {
    case 'relay': {
      const { destination, sender, body } = instruction;
      const numbers = { src: withoutPlus(sender), dst: withoutPlus(destination.reveal()) };
      return respond(element('Message', { ...numbers, type: 'sms' }, body));
    }
    case 'drop':
      return respond();
    default:
      return assertNever(instruction);
  }
}

/** Plivo reads nothing but the status. */
export function renderPlivoAcknowledgement(): WebhookResponse {
  return respond();
}

type Bridge = Extract<CallInstruction, { decision: 'bridge' }>;

/** Without `callerId` Plivo would show the caller's own number. There is no `action`: the call ends with the dial. */
function dial(bridge: Bridge, urls: WebhookUrls): XmlElement {
  return element(
    'Dial',
    {
      callerId: withoutPlus(bridge.callerId),
      timeout: bridge.ringTimeoutSeconds,
      timeLimit: bridge.maxCallSeconds,
      callbackUrl: urls.status,
      callbackMethod: 'POST',
    },
    element('Number', {}, withoutPlus(bridge.destination.reveal())),
  );
}

/** `log`: what is keyed in does not appear in Plivo's logs. */
function collectPin(digits: number, urls: WebhookUrls): XmlElement {
  const attributes = {
    action: urls.answer,
    method: 'POST',
    numDigits: digits,
    timeout: PIN_TIMEOUT_SECONDS,
    retries: 1,
    log: false,
  };
  return element('GetDigits', attributes, speak(`Please enter your PIN of ${digits} digits.`));
}

function speak(text: string): XmlElement {
  return element('Speak', {}, text);
}

function respond(...children: XmlElement[]): WebhookResponse {
  return {
    status: 200,
    contentType: 'application/xml',
    body: toXmlDocument(element('Response', {}, ...children)),
  };
}
