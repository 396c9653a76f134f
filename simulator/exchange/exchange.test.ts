import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { seededRandom } from '../../src/lib/random.ts';
import type { StatusReport } from './account-webhooks.ts';
import { OPERATOR_SENTENCES } from './call-switch.ts';
import { Exchange } from './exchange.ts';
import { openStateDatabase } from './state-database.ts';
import type { WebhookSender } from './webhook-sender.ts';

const CUSTOMER = '+12025550101';
const DRIVER = '+12025550102';
const STRANGER = '+12025550103';

interface Asked {
  readonly url: string;
  readonly body: Record<string, unknown>;
}

/** An account that answers by function, an exchange on a clock that stands still, and two numbers held. */
function createBench(seed = 1) {
  const clock = new ManualClock();
  const asked: Asked[] = [];
  const lines: string[] = [];
  const bench = {
    clock,
    asked,
    lines,
    answer: (_body: Record<string, unknown>): unknown => ({ action: 'reject' }),
    hold: null as Promise<void> | null,
    reply: (): { status: number; body: string } | Error | null => null,
  };
  const webhookSender: WebhookSender = async (request) => {
    const body: Record<string, unknown> = JSON.parse(request.body);
    asked.push({ url: request.url, body });
    if (bench.hold) await bench.hold;
    const reply = bench.reply();
    if (reply instanceof Error) throw reply;
    return reply ?? { status: 200, body: JSON.stringify(bench.answer(body)) };
  };
  const database = openStateDatabase(null);
  const options = {
    clock,
    random: seededRandom(seed),
    database,
    account: { webhookBase: 'http://maskline.test/hooks/', sharedSecret: 'x'.repeat(32) },
    webhookSender,
    log: (line: string) => void lines.push(line),
  };
  const exchange = new Exchange(options);
  const [forDriver, forCustomer] = exchange.numbers.search('US', 2).map((each) => each.virtualNumber);
  if (!forDriver || !forCustomer) throw new Error('The catalogue is empty.');
  exchange.numbers.sell(forDriver, {});
  exchange.numbers.sell(forCustomer, {});
  const connect = {
    action: 'connect',
    to: DRIVER,
    callerId: forCustomer,
    ringTimeoutSeconds: 25,
    maxCallSeconds: 600,
  };
  return {
    ...bench,
    bench,
    exchange,
    forDriver,
    forCustomer,
    connect,
    /** the same operator after a crash: another process on the same database */
    restart: () => new Exchange(options),
    reports: (): StatusReport[] =>
      asked
        .filter((each) => each.url.endsWith('/status'))
        .map((each) => each.body as unknown as StatusReport),
  };
}

let b = createBench();
beforeEach(() => {
  b = createBench();
});

/** Lets the promises that are due run; nothing here waits for time. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

async function ring(): Promise<string> {
  b.bench.answer = () => b.connect;
  const call = await b.exchange.calls.dial({ from: CUSTOMER, to: b.forDriver });
  expect(call.state).toBe('ringing');
  return call.callId;
}

describe('a call to a number of the account', () => {
  it('asks the answer webhook and rings the phone that it names, showing what it says', async () => {
    const callId = await ring();
    expect(b.asked[0]).toEqual({
      url: 'http://maskline.test/hooks/answer',
      body: { callId, from: CUSTOMER, to: b.forDriver },
    });
    expect(b.exchange.calls.find(callId).bLeg).toEqual({ to: DRIVER, callerId: b.forCustomer });
  });

  it('is answered, talked on and hung up: one record, and three reports in order', async () => {
    const callId = await ring();
    b.clock.advance(4_000);
    expect(b.exchange.calls.answer(callId).state).toBe('answered');
    b.clock.advance(61_600);
    const ended = b.exchange.calls.hangUp(callId, 'callee');
    expect(ended).toMatchObject({ state: 'ended', termination: 'completed', durationSeconds: 62 });
    expect(b.exchange.calls.find(callId)).toEqual(ended);
    await b.exchange.callbacksDelivered();
    expect(b.reports()).toEqual([
      { callId, event: 'ringing', at: '2026-01-01T00:00:00.000Z', sequence: 1 },
      { callId, event: 'answered', at: '2026-01-01T00:00:04.000Z', sequence: 2 },
      {
        callId,
        event: 'ended',
        at: '2026-01-01T00:01:05.600Z',
        sequence: 3,
        termination: 'completed',
        durationSeconds: 62,
      },
    ]);
  });

  it('says how it ended: given up, declined, not answered, cut at the limit', async () => {
    const cancelled = await ring();
    expect(b.exchange.calls.hangUp(cancelled, 'caller')).toMatchObject({
      termination: 'cancelled',
      durationSeconds: 0,
    });
    const declined = await ring();
    expect(b.exchange.calls.hangUp(declined, 'callee').termination).toBe('busy');
    const ignored = await ring();
    b.clock.advance(24_999);
    expect(b.exchange.calls.find(ignored).state).toBe('ringing');
    b.clock.advance(1);
    expect(b.exchange.calls.find(ignored)).toMatchObject({ state: 'ended', termination: 'no_answer' });
    const endless = await ring();
    b.exchange.calls.answer(endless);
    b.clock.advance(600_000);
    expect(b.exchange.calls.find(endless)).toMatchObject({ termination: 'time_limit', durationSeconds: 600 });
    expect(() => b.exchange.calls.answer(endless)).toThrow(
      expect.objectContaining({ code: 'CALL_NOT_RINGING' }),
    );
    expect(b.exchange.calls.hangUp(endless, 'caller').termination).toBe('time_limit');
  });

  it('is refused with the sentence of the account, or in silence, and nobody rings', async () => {
    b.bench.answer = () => ({ action: 'announce', text: 'No.' });
    const announced = await b.exchange.calls.dial({ from: STRANGER, to: b.forDriver });
    expect(announced).toMatchObject({ state: 'refused', heard: 'No.', bLeg: null, durationSeconds: 0 });
    b.bench.answer = () => ({ action: 'reject' });
    const rejected = await b.exchange.calls.dial({ from: STRANGER, to: b.forDriver });
    expect(rejected).toMatchObject({ state: 'refused', heard: null, bLeg: null });
    await settle();
    expect(b.reports()).toEqual([]);
    expect(b.exchange.phones.view(DRIVER).calls).toEqual([]);
  });

  it('asks for digits and passes them on, as often as it may be asked', async () => {
    b.bench.answer = (body) =>
      body.digits === '1234' ? b.connect : { action: 'gather', digits: 4, text: 'Your PIN, please.' };
    const dial = { from: CUSTOMER, to: b.forDriver };
    expect((await b.exchange.calls.dial({ ...dial, digits: '12345' })).state).toBe('ringing');
    expect(await b.exchange.calls.dial(dial)).toMatchObject({ state: 'refused', heard: 'Your PIN, please.' });
    const asked = (): number => b.asked.filter((each) => each.url.endsWith('/answer')).length;
    const before = asked();
    expect((await b.exchange.calls.dial({ ...dial, digits: '9' })).state).toBe('failed');
    expect(asked() - before).toBe(4);
  });

  it('hides a withheld caller and passes the attestation', async () => {
    await b.exchange.calls.dial({ from: CUSTOMER, to: b.forDriver, withheld: true, attestation: 'A' });
    expect(b.asked[0]?.body).toMatchObject({ from: 'anonymous', attestation: 'A' });
    expect(JSON.stringify(b.asked)).not.toContain(CUSTOMER);
  });

  it.each([
    ['a caller id that the account does not hold', { callerId: '+12155550100' }],
    ['a real number as caller id', { callerId: CUSTOMER }],
  ])('fails on %s', async (_, change) => {
    b.bench.answer = () => ({ ...b.connect, ...change });
    const call = await b.exchange.calls.dial({ from: CUSTOMER, to: b.forDriver });
    expect(call).toMatchObject({ state: 'failed', bLeg: null, heard: OPERATOR_SENTENCES.failed });
    expect(b.lines.join()).toContain('caller id');
    expect(b.exchange.phones.view(DRIVER).calls).toEqual([]);
  });

  it('fails on a destination that is a number of the account', async () => {
    b.bench.answer = () => ({ ...b.connect, to: b.forDriver });
    expect((await b.exchange.calls.dial({ from: CUSTOMER, to: b.forDriver })).state).toBe('failed');
  });

  it.each([
    ['an error', { status: 500, body: '{"action":"reject"}' }],
    ['a page', { status: 200, body: '<html></html>' }],
    ['an unknown action', { status: 200, body: '{"action":"dance"}' }],
    ['a bridge without a caller id', { status: 200, body: '{"action":"connect","to":"+12025550102"}' }],
    ['a field that does not exist', { status: 200, body: '{"action":"reject","why":"no"}' }],
    ['a broken connection', new Error('reset')],
  ])('fails with a neutral sentence when the answer is %s', async (_, reply) => {
    b.bench.reply = () => reply;
    const call = await b.exchange.calls.dial({ from: CUSTOMER, to: b.forDriver });
    expect(call).toMatchObject({ state: 'failed', termination: 'failed', heard: OPERATOR_SENTENCES.failed });
    expect(b.lines.join('\n')).not.toMatch(/\+\d/);
  });

  it('fails when the answer takes longer than the account may take', async () => {
    b.bench.answer = () => b.connect;
    b.exchange.faults.replace({ answerDelayMs: 4_999 });
    const slow = b.exchange.calls.dial({ from: CUSTOMER, to: b.forDriver });
    await settle();
    b.clock.advance(4_999);
    expect((await slow).state).toBe('ringing');
    b.exchange.faults.replace({ answerDelayMs: 5_001 });
    const slower = b.exchange.calls.dial({ from: CUSTOMER, to: b.forDriver });
    await settle();
    b.clock.advance(5_000);
    expect((await slower).state).toBe('failed');
  });
});

describe('other calls', () => {
  it('carries a call between two phones unmasked, and hides only who asks for it', async () => {
    const call = await b.exchange.calls.dial({ from: CUSTOMER, to: DRIVER });
    expect(call).toMatchObject({ state: 'ringing', bLeg: { to: DRIVER, callerId: CUSTOMER } });
    const hidden = await b.exchange.calls.dial({ from: CUSTOMER, to: DRIVER, withheld: true });
    expect(hidden.bLeg?.callerId).toBe('anonymous');
    expect(b.asked).toEqual([]);
  });

  it('does not put through to a number that nobody has bought', async () => {
    const [unsold] = b.exchange.numbers.search('GB', 1);
    const call = await b.exchange.calls.dial({ from: CUSTOMER, to: unsold?.virtualNumber ?? '' });
    expect(call).toMatchObject({ state: 'failed', heard: OPERATOR_SENTENCES.notInService });
  });

  it('finds a busy phone busy, and tells both sides what each may know', async () => {
    b.exchange.faults.replace({ busyPhones: [DRIVER] });
    b.bench.answer = () => b.connect;
    const call = await b.exchange.calls.dial({ from: CUSTOMER, to: b.forDriver });
    expect(call).toMatchObject({ state: 'failed', termination: 'busy', heard: OPERATOR_SENTENCES.busy });
    await b.exchange.callbacksDelivered();
    expect(b.reports()).toMatchObject([{ event: 'ended', termination: 'busy', sequence: 1 }]);
    expect(b.exchange.phones.view(DRIVER).calls).toEqual([]);
  });
});

describe('messages', () => {
  it('are delivered as the account says', async () => {
    b.bench.answer = (body) => ({
      action: 'deliver',
      to: DRIVER,
      from: b.forCustomer,
      body: `${String(body.body)}!`,
    });
    const message = await b.exchange.messages.send({ from: CUSTOMER, to: b.forDriver, body: 'Hello' });
    expect(message).toMatchObject({
      state: 'delivered',
      delivered: { to: DRIVER, from: b.forCustomer, body: 'Hello!' },
    });
    expect(b.asked[0]).toEqual({
      url: 'http://maskline.test/hooks/message',
      body: { messageId: message.messageId, from: CUSTOMER, to: b.forDriver, body: 'Hello' },
    });
  });

  it('are dropped, or fail when the sender shown is not a number of the account', async () => {
    const text = { from: CUSTOMER, to: b.forDriver, body: 'Hello' };
    b.bench.answer = () => ({ action: 'drop' });
    expect(await b.exchange.messages.send(text)).toMatchObject({ state: 'refused', delivered: null });
    b.bench.answer = () => ({ action: 'deliver', to: DRIVER, from: CUSTOMER, body: 'Hello' });
    expect(await b.exchange.messages.send(text)).toMatchObject({ state: 'failed', delivered: null });
    b.bench.reply = () => ({ status: 503, body: '' });
    expect(await b.exchange.messages.send(text)).toMatchObject({ state: 'failed', delivered: null });
  });
});

describe('a phone', () => {
  it('shows what it dialled and what it rang with, and never the other end', async () => {
    const callId = await ring();
    b.exchange.calls.answer(callId);
    b.bench.answer = () => ({ action: 'deliver', to: DRIVER, from: b.forCustomer, body: 'Hi' });
    await b.exchange.messages.send({ from: CUSTOMER, to: b.forDriver, body: 'Hi' });
    const customers = b.exchange.phones.view(CUSTOMER);
    const drivers = b.exchange.phones.view(DRIVER);
    expect(customers.calls).toMatchObject([{ callId, direction: 'outgoing', dialled: b.forDriver }]);
    expect(drivers.calls).toMatchObject([{ callId, direction: 'incoming', callerId: b.forCustomer }]);
    expect(customers.messages).toMatchObject([{ direction: 'outgoing', to: b.forDriver }]);
    expect(drivers.messages).toMatchObject([{ direction: 'incoming', from: b.forCustomer, body: 'Hi' }]);
    expect(JSON.stringify(customers)).not.toContain(DRIVER);
    expect(JSON.stringify(drivers)).not.toContain(CUSTOMER);
  });

  it('tells whoever watches it, and only of itself', async () => {
    const seen: unknown[] = [];
    const unwatch = b.exchange.phones.watch(DRIVER, (event) => seen.push(event));
    b.exchange.phones.watch(STRANGER, () => expect.unreachable('The stranger has no part in this.'));
    const callId = await ring();
    b.exchange.calls.answer(callId);
    unwatch();
    b.exchange.calls.hangUp(callId, 'caller');
    expect(seen).toMatchObject([
      { kind: 'call', call: { callId, state: 'ringing', callerId: b.forCustomer } },
      { kind: 'call', call: { callId, state: 'answered' } },
    ]);
  });

  it('remembers the newest hundred', async () => {
    for (let i = 0; i < 120; i++) {
      await b.exchange.messages.send({ from: CUSTOMER, to: DRIVER, body: `text ${i}` });
    }
    const { messages } = b.exchange.phones.view(DRIVER);
    expect(messages).toHaveLength(100);
    expect([messages[0]?.body, messages[99]?.body]).toEqual(['text 119', 'text 20']);
  });
});

describe('after a crash', () => {
  it('holds the same numbers and ends the calls that were up', async () => {
    const callId = await ring();
    b.exchange.calls.answer(callId);
    await b.exchange.callbacksDelivered();
    b.clock.advance(90_000);
    const restarted = b.restart();
    expect(restarted.calls.find(callId)).toMatchObject({
      state: 'ended',
      termination: 'failed',
      durationSeconds: 90,
    });
    expect(restarted.numbers.list('', 10).held).toHaveLength(2);
    expect(restarted.numbers.find(b.forDriver)?.answerUrl).toBe('http://maskline.test/hooks/answer');
    await restarted.callbacksDelivered();
    expect(b.reports().at(-1)).toMatchObject({ callId, event: 'ended', termination: 'failed', sequence: 3 });
  });

  it('counts no more talk than the account had allowed, however long it was away', async () => {
    const callId = await ring();
    b.exchange.calls.answer(callId);
    b.clock.jumpTo(b.clock.now() + 3_600_000);
    expect(b.restart().calls.find(callId).durationSeconds).toBe(600);
  });
});

describe('limits', () => {
  it('carries at most 20,000 calls at one time', async () => {
    for (let i = 0; i < 20_000; i++) await b.exchange.calls.dial({ from: CUSTOMER, to: DRIVER });
    const dial = b.exchange.calls.dial({ from: CUSTOMER, to: DRIVER });
    await expect(dial).rejects.toMatchObject({ code: 'TOO_MANY_CALLS' });
    b.clock.jumpTo(b.clock.now() + 1);
    await b.exchange.stop();
  });

  it('lets at most 5,000 calls wait for an answer', async () => {
    b.bench.hold = new Promise(() => undefined);
    for (let i = 0; i < 5_000; i++) void b.exchange.calls.dial({ from: CUSTOMER, to: b.forDriver });
    const dial = b.exchange.calls.dial({ from: CUSTOMER, to: b.forDriver });
    await expect(dial).rejects.toMatchObject({ code: 'TOO_MANY_CALLS' });
  });

  it('watches a thousand phones, and lets go of who leaves', () => {
    const leave = Array.from({ length: 1_000 }, () => b.exchange.phones.watch(DRIVER, () => undefined));
    expect(() => b.exchange.phones.watch(DRIVER, () => undefined)).toThrow(
      expect.objectContaining({ code: 'TOO_MANY_WATCHERS' }),
    );
    leave[0]?.();
    leave[0]?.();
    b.exchange.phones.watch(CUSTOMER, () => undefined);
    expect(() => b.exchange.phones.watch(CUSTOMER, () => undefined)).toThrow();
  });
});

describe('stopping', () => {
  it('does not wait for an account that says nothing', async () => {
    b.bench.hold = new Promise(() => undefined);
    const dial = b.exchange.calls.dial({ from: CUSTOMER, to: b.forDriver });
    await settle();
    const stopped = b.exchange.stop();
    expect((await Promise.all([dial, stopped]))[0]).toMatchObject({ state: 'failed' });
  });

  it('ends every call, reports it and takes no more', async () => {
    const callId = await ring();
    await b.exchange.stop();
    expect(b.exchange.calls.find(callId)).toMatchObject({ state: 'ended', termination: 'failed' });
    expect(b.reports().at(-1)).toMatchObject({ event: 'ended', termination: 'failed' });
    await expect(b.exchange.calls.dial({ from: CUSTOMER, to: b.forDriver })).rejects.toMatchObject({
      code: 'TOO_MANY_CALLS',
    });
  });
});
