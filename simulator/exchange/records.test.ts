import { describe, expect, it } from 'vitest';
import { type DialledCall, endedCall, refusedCall, ringingCall } from './call-record.ts';
import { createCallRecords, RECORDS_KEPT } from './call-records.ts';
import { createMessageRecords } from './message-records.ts';
import { openStateDatabase } from './state-database.ts';

const CALLER = '+12025550101';
const CALLEE = '+12025550102';
const TERMS = { maxCallSeconds: 60, statusUrl: 'http://maskline.test/status' };

const dialled = (n: number): DialledCall => ({
  callId: `call-${n}`,
  from: CALLER,
  to: '+12155550100',
  withheld: n % 2 === 0,
  startedAt: n,
});

describe('call records', () => {
  it('come back as they went in, whatever state they are in', () => {
    const records = createCallRecords(openStateDatabase(null));
    const ringing = ringingCall(dialled(1), { to: CALLEE, callerId: '+12155550101' });
    const refused = refusedCall(dialled(2), 'No.', 2);
    records.insert(ringing, TERMS);
    records.insert(refused, { maxCallSeconds: 0, statusUrl: null });
    expect(records.find('call-1')).toEqual(ringing);
    expect(records.find('call-2')).toEqual(refused);
    expect(records.find('call-3')).toBeNull();
    expect(records.listUp()).toEqual([{ call: ringing, terms: TERMS }]);
    const ended = endedCall(ringing, 'no_answer', 30_000);
    records.update(ended);
    expect(records.find('call-1')).toEqual(ended);
    expect(records.listUp()).toEqual([]);
    expect(records.listByPhone(CALLER, 10)).toEqual([refused, ended]);
    expect(records.listByPhone(CALLEE, 10)).toEqual([ended]);
  });

  it('are kept for the newest calls only, and for calls that are up', () => {
    const records = createCallRecords(openStateDatabase(null));
    records.insert(ringingCall(dialled(0), { to: CALLEE, callerId: CALLER }), TERMS);
    for (let n = 1; n <= RECORDS_KEPT + 1_000; n++) records.insert(refusedCall(dialled(n), null, n), TERMS);
    expect(records.find('call-0')?.state).toBe('ringing');
    expect(records.find('call-1')).toBeNull();
    expect(records.find('call-500')).toBeNull();
    expect(records.find(`call-${1_001}`)).not.toBeNull();
  });
});

describe('message records', () => {
  it('are kept for the newest messages only', () => {
    const records = createMessageRecords(openStateDatabase(null));
    const message = (n: number) => ({
      messageId: `message-${n}`,
      from: CALLER,
      to: CALLEE,
      body: `text ${n}`,
      state: 'delivered' as const,
      delivered: { to: CALLEE, from: CALLER, body: `text ${n}` },
      sentAt: n,
    });
    for (let n = 1; n <= RECORDS_KEPT + 1_000; n++) records.insert(message(n));
    expect(records.find('message-500')).toBeNull();
    expect(records.find(`message-${1_001}`)).toEqual(message(1_001));
    expect(records.listByPhone(CALLEE, 2)).toEqual([message(11_000), message(10_999)]);
  });
});
