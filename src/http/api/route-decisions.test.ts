import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CUSTOMER, createSpringfield, DRIVER, type Springfield } from '../testing/springfield.ts';

let s: Springfield;
let reference: string;
let calls = 0;

beforeAll(async () => {
  s = await createSpringfield();
});
afterAll(() => s.close());
beforeEach(() => {
  reference = s.nextReference();
});

const open = (changes: Record<string, unknown> = {}) => s.open({ reference, ...changes });

describe('POST /v1/route-decisions', () => {
  const decide = (body: Record<string, unknown>) =>
    s.ask(s.key, 'POST', '/v1/route-decisions', { callId: `call-${++calls}`, ...body });

  test('connects the caller with the other real number, showing the virtual number of the caller', async () => {
    const [customer, driver] = (await open()).participants;
    const answer = await decide({ callingNumber: CUSTOMER, calledNumber: driver.virtualNumber });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({
      decision: 'bridge',
      destination: DRIVER,
      callerId: customer.virtualNumber,
      ringTimeoutSeconds: 25,
      maxCallSeconds: 3_600,
      sessionId: expect.stringMatching(/^ses_/),
    });
    const mirrored = await decide({ callingNumber: DRIVER, calledNumber: customer.virtualNumber });
    expect(mirrored.json()).toMatchObject({ destination: CUSTOMER, callerId: driver.virtualNumber });
  });

  test('decides a call once: the same id gets the same bytes', async () => {
    const [, driver] = (await open()).participants;
    const body = { callId: `same-${reference}`, callingNumber: CUSTOMER, calledNumber: driver.virtualNumber };
    const bodies = await Promise.all([decide(body), decide(body), decide(body)]);
    expect(new Set(bodies.map((answer) => answer.body)).size).toBe(1);
    const listed = (await s.ask(s.key, 'GET', `/v1/calls?reference=${reference}`)).json();
    expect(listed.data).toHaveLength(1);
  });

  test.each([
    ['a stranger', { callingNumber: '+12025550199' }, 'unknown_caller'],
    ['a withheld caller', { callingNumber: null }, 'unknown_caller'],
    ['no caller', {}, 'unknown_caller'],
    ['words', { callingNumber: 'anonymous' }, 'unknown_caller'],
    ['a SIP address', { callingNumber: 'sip:anonymous@anonymous.invalid' }, 'unknown_caller'],
    [
      'a number that nobody holds',
      { callingNumber: CUSTOMER, calledNumber: '+12025550111' },
      'unknown_number',
    ],
    ['no number at all', { callingNumber: CUSTOMER, calledNumber: 'taxi' }, 'unknown_number'],
  ])('refuses %s with the neutral sentence, never with an error', async (_who, change, reason) => {
    const [, driver] = (await open()).participants;
    const answer = await decide({ calledNumber: driver.virtualNumber, ...change });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({
      decision: 'announce',
      reason,
      announcement: 'The number you have dialled cannot be connected. Goodbye.',
    });
  });

  test('tells a former participant that the order has ended', async () => {
    const session = await open();
    const dial = { callingNumber: CUSTOMER, calledNumber: session.participants[1].virtualNumber };
    await s.ask(s.key, 'POST', `/v1/sessions/${session.id}/close`, { reason: 'cancelled' });
    expect((await decide(dial)).json()).toMatchObject({ decision: 'announce', reason: 'session_ended' });
  });

  test('decides texts as well', async () => {
    const [, driver] = (await open({ mode: 'voice' })).participants;
    const dial = { callingNumber: CUSTOMER, calledNumber: driver.virtualNumber };
    expect((await decide({ ...dial, kind: 'message' })).json()).toMatchObject({ reason: 'mode_not_allowed' });
    expect((await decide({ ...dial, kind: 'call' })).json()).toMatchObject({ decision: 'bridge' });
  });

  test('knows the numbers of another tenant as little as anybody', async () => {
    const [, driver] = (await open()).participants;
    const answer = await s.ask(s.strangerKey, 'POST', '/v1/route-decisions', {
      callId: 'x',
      callingNumber: CUSTOMER,
      calledNumber: driver.virtualNumber,
    });
    expect(answer.json()).toMatchObject({ decision: 'announce', reason: 'unknown_number' });
  });
});

describe('a call', () => {
  test('is in the lists of its session and its order, without any real number', async () => {
    const session = await open();
    await s.ask(s.key, 'POST', '/v1/route-decisions', {
      callId: `listed-${reference}`,
      callingNumber: CUSTOMER,
      calledNumber: session.participants[1].virtualNumber,
    });
    const bySession = await s.ask(s.key, 'GET', `/v1/calls?session=${session.id}`);
    const byReference = await s.ask(s.key, 'GET', `/v1/calls?reference=${reference}`);
    const [call] = bySession.json().data;
    expect(call).toMatchObject({
      sessionId: session.id,
      providerCallId: `listed-${reference}`,
      callingRole: 'customer',
      calledRole: 'driver',
      virtualNumber: session.participants[1].virtualNumber,
      callerId: session.participants[0].virtualNumber,
      decision: 'bridge',
      reason: 'ok',
      state: 'decided',
      answeredAt: null,
      termination: null,
    });
    expect(byReference.body).toBe(bySession.body);
    expect((await s.ask(s.key, 'GET', `/v1/calls/${call.id}`)).json()).toEqual(call);
    expect((await s.ask(s.strangerKey, 'GET', `/v1/calls/${call.id}`)).statusCode).toBe(404);
    expect(bySession.body).not.toMatch(/2025550123|7700900456/);
  });
});
