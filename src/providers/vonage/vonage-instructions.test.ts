import { Connect, Input, NCCOBuilder, Talk } from '@vonage/voice';
import { describe, expect, it } from 'vitest';
import { ANNOUNCEMENTS } from '../../domain/route.ts';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { invariant } from '../../lib/assert.ts';
import { PhoneNumber } from '../../privacy/phone-number.ts';
import type { CallInstruction } from '../provider.ts';
import { renderVonageCall } from './vonage-instructions.ts';

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

describe('the call control objects for Vonage', () => {
  const render = (instruction: CallInstruction): unknown =>
    JSON.parse(renderVonageCall(instruction, URLS).body);
  /** What the vendor's builder sends over the wire. */
  const build = (...actions: (Connect | Talk | Input)[]): unknown => {
    const builder = new NCCOBuilder();
    for (const action of actions) builder.addAction(action as never);
    return JSON.parse(JSON.stringify(builder.build()));
  };
  const none = undefined;
  const connect = new Connect(
    { type: 'phone', number: '12025550123' },
    '12155550150',
    none,
    none,
    25,
    3600,
    none,
    URLS.status,
    'POST',
  );
  const talk = (text: string, bargeIn?: boolean) => new Talk(text, bargeIn, none, none, 'en-US');

  it('are what the vendor’s builder makes of a bridge', () => {
    expect(render(bridge)).toEqual(build(connect));
  });

  it('cut a call at the two hours that Vonage allows', () => {
    expect(render({ ...bridge, maxCallSeconds: 7_201 })).toMatchObject([{ limit: 7_200 }]);
  });

  it('record nothing, even when told to: the callee would not hear the consent', () => {
    expect(render({ ...bridge, recording: { consent: 'This call is recorded.' } })).toEqual(render(bridge));
  });

  it('are what it makes of everything else', () => {
    expect(render({ decision: 'announce', announcement: 'neutral' })).toEqual(
      build(talk(ANNOUNCEMENTS.neutral)),
    );
    expect(render({ decision: 'collect_pin', digits: 4 })).toEqual(
      build(
        talk('Please enter your PIN of 4 digits.', true),
        new Input({ maxDigits: 4, timeOut: 8, submitOnHash: true }, none, URLS.answer, 'POST'),
      ),
    );
    expect(render({ decision: 'reject' })).toEqual([]);
  });
});
