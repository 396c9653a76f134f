import { ANNOUNCEMENTS } from '../../domain/route.ts';
import { assertNever } from '../../lib/assert.ts';
import type { CallInstruction, MessageInstruction, WebhookResponse, WebhookUrls } from '../provider.ts';
import { element, toXmlDocument, type XmlElement } from '../xml.ts';

/** Twilio cuts a call after four hours at the latest; more than that cannot be asked for. */
const MAX_CALL_SECONDS = 14_400;
/** how long a caller may think between two digits */
const DIGIT_TIMEOUT_SECONDS = 8;

/** Writes an instruction as TwiML. */
export function renderTwilioCall(instruction: CallInstruction, urls: WebhookUrls): WebhookResponse {
  switch (instruction.decision) {
    case 'bridge':
      return twiml(bridge(instruction, urls));
    case 'announce':
      return twiml(say(ANNOUNCEMENTS[instruction.announcement]), element('Hangup'));
    case 'collect_pin': {
      const { digits } = instruction;
      const prompt = say(`Please enter your PIN of ${digits} digits.`);
      const gather = {
        input: 'dtmf',
        numDigits: digits,
        timeout: DIGIT_TIMEOUT_SECONDS,
        action: urls.answer,
        method: 'POST',
      };
      // Whoever keys in nothing goes on to the next verb, so that silence ends and is not asked for ever.
      return twiml(element('Gather', gather, prompt), element('Hangup'));
    }
    case 'reject':
      return twiml(element('Reject', { reason: 'rejected' }));
    default:
      return assertNever(instruction);
  }
}

/**
 * Without `callerId` the callee sees the caller's real number. With `answerOnBridge` the caller's leg is
 * answered, and billed as talk, only when the callee answers. `action` makes Twilio report the outcome of the
 * dial; the acknowledgement that it gets there ends the call.
 */
function bridge(
  instruction: Extract<CallInstruction, { decision: 'bridge' }>,
  urls: WebhookUrls,
): XmlElement {
  const { callerId, ringTimeoutSeconds, maxCallSeconds } = instruction;
  const number = element(
    'Number',
    {
      statusCallback: urls.status,
      statusCallbackMethod: 'POST',
      statusCallbackEvent: 'ringing answered completed',
    },
    instruction.destination.reveal(),
  );
  return element(
    'Dial',
    {
      callerId,
      timeout: ringTimeoutSeconds,
      timeLimit: Math.min(maxCallSeconds, MAX_CALL_SECONDS),
      answerOnBridge: true,
      action: urls.status,
      method: 'POST',
      record: 'do-not-record',
    },
    number,
  );
}

export function renderTwilioMessage(instruction: MessageInstruction): WebhookResponse {
  switch (instruction.decision) {
    case 'relay': {
      const { destination, sender, body, mediaUrls = [] } = instruction;
      const route = { to: destination.reveal(), from: sender };
      if (mediaUrls.length === 0) return twiml(element('Message', route, body));
      const media = mediaUrls.map((url) => element('Media', {}, url));
      return twiml(element('Message', route, ...(body === '' ? [] : [element('Body', {}, body)]), ...media));
    }
    case 'drop':
      return twiml();
    default:
      return assertNever(instruction);
  }
}

/** An empty document: it ends a call whose dial is over, and replies to no text. */
export function renderTwilioAcknowledgement(): WebhookResponse {
  return twiml();
}

function say(text: string): XmlElement {
  return element('Say', {}, text);
}

function twiml(...verbs: readonly XmlElement[]): WebhookResponse {
  return {
    status: 200,
    contentType: 'text/xml; charset=utf-8',
    body: toXmlDocument(element('Response', {}, ...verbs)),
  };
}
