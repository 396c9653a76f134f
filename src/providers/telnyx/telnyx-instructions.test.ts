import { describe, expect, it } from 'vitest';
import { ANNOUNCEMENTS } from '../../domain/route.ts';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { invariant } from '../../lib/assert.ts';
import { PhoneNumber } from '../../privacy/phone-number.ts';
import type { CallInstruction } from '../provider.ts';
import { readXml } from '../testing/read-xml.ts';
import { renderTelnyxCall } from './telnyx-instructions.ts';

const URLS = {
  answer: 'https://vn.example.com/hooks/answer',
  status: 'https://vn.example.com/hooks/status',
  message: 'https://vn.example.com/hooks/message',
};
const destination = PhoneNumber.parse('+12025550123');
const callerId = toVirtualNumber('+12155550150');
invariant(destination && callerId, 'a number of the test does not parse');
const bridge: CallInstruction = {
  decision: 'bridge',
  destination,
  callerId,
  ringTimeoutSeconds: 25,
  maxCallSeconds: 3600,
};

/** The vendor publishes no builder of TeXML, so the judge here is its reference, written down. */
describe('the documents for Telnyx', () => {
  const render = (instruction: CallInstruction) => readXml(renderTelnyxCall(instruction, URLS).body);
  const number = `<Number statusCallback="${URLS.status}" statusCallbackMethod="POST" statusCallbackEvent="ringing answered completed">+12025550123</Number>`;

  it('bridge', () => {
    const dial = `<Dial callerId="+12155550150" timeout="25" timeLimit="3600">${number}</Dial>`;
    expect(render(bridge)).toEqual(readXml(`<Response>${dial}</Response>`));
  });

  it('keep to the limits of Dial', () => {
    const dial = (ringTimeoutSeconds: number, maxCallSeconds: number) =>
      render({ ...bridge, ringTimeoutSeconds, maxCallSeconds }).elements[0]?.attributes;
    expect(dial(1, 1)).toMatchObject({ timeout: '5', timeLimit: '60' });
    expect(dial(500, 50_000)).toMatchObject({ timeout: '120', timeLimit: '14400' });
  });

  it('record nothing, even when told to: the callee would not hear the consent', () => {
    expect(render({ ...bridge, recording: { consent: 'This call is recorded.' } })).toEqual(render(bridge));
  });

  it('announce, ask for a PIN, and refuse', () => {
    expect(render({ decision: 'announce', announcement: 'neutral' })).toEqual(
      readXml(`<Response><Say language="en-US">${ANNOUNCEMENTS.neutral}</Say><Hangup/></Response>`),
    );
    const gather = `<Gather action="${URLS.answer}" method="POST" input="dtmf" numDigits="4" timeout="8" finishOnKey="#">`;
    expect(render({ decision: 'collect_pin', digits: 4 })).toEqual(
      readXml(
        `<Response>${gather}<Say language="en-US">Please enter your PIN of 4 digits.</Say></Gather><Hangup/></Response>`,
      ),
    );
    expect(render({ decision: 'reject' })).toEqual(
      readXml('<Response><Reject reason="rejected"/></Response>'),
    );
  });
});
