import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { importVirtualNumber } from '../../app/import-virtual-number.ts';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { createRealApp, type RealApp } from '../testing/real-app.ts';
import { createTestServer, type TestServer } from '../testing/test-server.ts';

let real: RealApp;
let key: string;
let strangerKey: string;
let ask: TestServer['ask'];
let orders = 0;
let calls = 0;

const CUSTOMER = '+12025550123';
const DRIVER = '+447700900456';

beforeAll(async () => {
  real = await createRealApp();
  key = await real.createKey();
  strangerKey = await real.createKey('globex');
  ask = createTestServer(real.app).ask;
  await ask(key, 'POST', '/v1/pools', { name: 'springfield' });
  await ask(key, 'POST', '/v1/pools', { name: 'empty' });
  // Every test takes some for good, so there are many.
  for (let i = 0; i < 200; i++) {
    const virtualNumber = toVirtualNumber(`+1${i < 100 ? 303 : 404}55501${String(i % 100).padStart(2, '0')}`);
    if (virtualNumber === null) throw new Error('The test has no number.');
    await importVirtualNumber(real.app, {
      tenant: 'acme',
      virtualNumber,
      pool: 'springfield',
      providerAccount: 'simulator',
      capabilities: ['voice', 'sms'],
    });
  }
});
afterAll(() => real.close());
beforeEach(() => {
  orders++;
});

function sessionOf(changes: Record<string, unknown> = {}) {
  return {
    pool: 'springfield',
    reference: `order-${orders}`,
    assignment: 1,
    participants: [
      { role: 'customer', userId: 'user-17', realNumber: CUSTOMER },
      { role: 'driver', realNumber: DRIVER },
    ],
    ...changes,
  };
}

async function open(changes: Record<string, unknown> = {}) {
  const answer = await ask(key, 'POST', '/v1/sessions', sessionOf(changes));
  expect(answer.statusCode).toBe(201);
  return answer.json();
}

describe('POST /v1/sessions', () => {
  test('answers with the session: a number for each, real numbers masked, where to find it', async () => {
    const answer = await ask(key, 'POST', '/v1/sessions', sessionOf());
    expect(answer.statusCode).toBe(201);
    const session = answer.json();
    expect(session).toMatchObject({
      reference: `order-${orders}`,
      assignment: 1,
      state: 'open',
      mode: 'voice_and_message',
      pool: 'springfield',
      closedAt: null,
      closedReason: null,
      participants: [
        { role: 'customer', userId: 'user-17', realNumber: '+1••••••0123' },
        { role: 'driver', userId: null, realNumber: '+44••••••0456' },
      ],
    });
    const [one, other] = session.participants;
    expect(one.virtualNumber).toMatch(/^\+1[34]0[34]55501/);
    expect(other.virtualNumber).toMatch(/^\+1[34]0[34]55501/);
    expect(one.virtualNumber).not.toBe(other.virtualNumber);
    expect(Date.parse(session.expiresAt) - Date.parse(session.openedAt)).toBe(4 * 3_600_000);
    expect(answer.headers.location).toBe(`/v1/sessions/${session.id}`);
    expect(answer.body).not.toContain(CUSTOMER);
  });

  test('answers 202 with a pending session while the pool has nothing to spare', async () => {
    const answer = await ask(key, 'POST', '/v1/sessions', sessionOf({ pool: 'empty' }));
    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toMatchObject({
      state: 'pending',
      openedAt: null,
      participants: [{ virtualNumber: null }, { virtualNumber: null }],
    });
    expect(answer.headers.location).toBe(`/v1/sessions/${answer.json().id}`);
  });

  test('takes its expiry and mode from the body', async () => {
    const session = await open({ expiresInSeconds: 60, mode: 'voice' });
    expect(session.mode).toBe('voice');
    expect(Date.parse(session.expiresAt) - Date.parse(session.createdAt)).toBe(60_000);
  });

  test('says that the same assignment is there already, and that a newer one is known', async () => {
    await open({ assignment: 5 });
    const again = await ask(key, 'POST', '/v1/sessions', sessionOf({ assignment: 5 }));
    const older = await ask(key, 'POST', '/v1/sessions', sessionOf({ assignment: 4 }));
    expect([again.statusCode, again.json().code]).toEqual([409, 'MASK_ALREADY_EXISTS']);
    expect([older.statusCode, older.json().code]).toEqual([409, 'MASK_ASSIGNMENT_SUPERSEDED']);
  });

  test('names the places of what is no number, and never says what stood there', async () => {
    const participants = [
      { role: 'customer', realNumber: '+1202555012345678' },
      { role: 'driver', realNumber: DRIVER },
      { role: 'driver', realNumber: 'call me' },
    ];
    const answer = await ask(key, 'POST', '/v1/sessions', sessionOf({ participants }));
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({
      code: 'MASK_INVALID_NUMBER',
      errors: [{ path: '/participants/0/realNumber' }, { path: '/participants/2/realNumber' }],
    });
    expect(answer.body).not.toMatch(/1202555|call me/);
  });

  test.each([
    ['MASK_EQUAL_NUMBERS', { participants: twins() }],
    ['MASK_NUMBER_NOT_ALLOWED', { participants: withVirtualNumber() }],
    ['MASK_UNKNOWN_POOL', { pool: 'nowhere' }],
  ])('answers 422 %s', async (code, changes) => {
    const answer = await ask(key, 'POST', '/v1/sessions', sessionOf(changes));
    expect([answer.statusCode, answer.json().code]).toEqual([422, code]);
  });

  test.each([
    ['one participant', { participants: people(1) }, '/participants'],
    ['twelve participants', { participants: people(12) }, '/participants'],
    ['a reference of 129 characters', { reference: 'r'.repeat(129) }, '/reference'],
    ['a reference with NUL in it', { reference: 'a\u0000b' }, '/reference'],
    ['a reference with half a surrogate pair', { reference: 'a\ud800b' }, '/reference'],
    ['a role in capitals', { participants: people(2, { role: 'Driver' }) }, '/participants/0/role'],
    ['an assignment that is no safe integer', { assignment: 2 ** 53 }, '/assignment'],
    ['a negative assignment', { assignment: -1 }, '/assignment'],
    ['an assignment as text', { assignment: '1' }, '/assignment'],
    ['a day and a second', { expiresInSeconds: 86_401 }, '/expiresInSeconds'],
    ['no time at all', { expiresInSeconds: 0 }, '/expiresInSeconds'],
    ['a mode that is none', { mode: 'video' }, '/mode'],
  ])('refuses %s', async (_what, changes, path) => {
    const answer = await ask(key, 'POST', '/v1/sessions', sessionOf(changes));
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors.map((issue: { path: string }) => issue.path)).toContain(path);
  });

  test('takes ten participants, two of them with one role, in their order', async () => {
    const session = await open({ participants: people(10) });
    expect(session.participants).toHaveLength(10);
    const shown = session.participants.map((p: { realNumber: string }) => p.realNumber.slice(-4));
    expect(shown).toEqual(['0150', '0151', '0152', '0153', '0154', '0155', '0156', '0157', '0158', '0159']);
    const numbers = new Set(session.participants.map((p: { virtualNumber: string }) => p.virtualNumber));
    expect(numbers.size).toBe(10);
  });
});

describe('POST /v1/sessions, sent many times under one Idempotency-Key', () => {
  test('opens one session, and all who get an answer get the same', async () => {
    const send = () =>
      ask(key, 'POST', '/v1/sessions', sessionOf({ assignment: undefined }), {
        'idempotency-key': `twins-${orders}`,
      });
    const answers = await Promise.all(Array.from({ length: 12 }, send));
    const opened = answers.filter((answer) => answer.statusCode === 201);
    const waiting = answers.filter((answer) => answer.statusCode === 409);
    expect(opened.length).toBeGreaterThan(0);
    expect(opened.length + waiting.length).toBe(12);
    for (const answer of waiting) expect(answer.json().code).toBe('MASK_IDEMPOTENCY_IN_PROGRESS');
    const later = await send();
    expect(new Set([...opened, later].map((answer) => answer.body)).size).toBe(1);
    expect(later.headers['idempotency-replayed']).toBe('true');
    const found = await ask(key, 'GET', `/v1/sessions?reference=order-${orders}`);
    expect(found.json().data).toHaveLength(1);
  });

  test('keeps nothing of the body but a keyed hash', async () => {
    await ask(key, 'POST', '/v1/sessions', sessionOf(), { 'idempotency-key': 'kept' });
    const now = real.clock.now();
    const keys = await real.app.storage.run('acme', (s) => s.apiKeys.list());
    const rows = await Promise.all(
      keys.map(({ id }) =>
        real.app.storage.run('acme', (s) =>
          s.idempotency.begin({ apiKeyId: id, key: 'kept', hash: new Uint8Array(32), now, expiresAt: now }),
        ),
      ),
    );
    const [row] = rows.filter((kept) => kept !== null);
    expect(row?.status).toBe(201);
    expect(row?.hash).toHaveLength(32);
    expect(JSON.stringify(row)).not.toMatch(/2025550123|7700900456/);
  });
});

describe('a session', () => {
  test('is read by its id and found by its reference', async () => {
    const session = await open();
    const read = await ask(key, 'GET', `/v1/sessions/${session.id}`);
    const found = await ask(key, 'GET', `/v1/sessions?reference=order-${orders}`);
    expect(read.json()).toEqual(session);
    expect(found.json()).toEqual({ data: [session], nextCursor: null });
  });

  test('is not there for another tenant, whatever that tenant tries', async () => {
    const session = await open();
    const read = await ask(strangerKey, 'GET', `/v1/sessions/${session.id}`);
    const absent = await ask(strangerKey, 'GET', '/v1/sessions/ses_nothing');
    const changed = await ask(strangerKey, 'PATCH', `/v1/sessions/${session.id}`, { expiresInSeconds: 1 });
    const closed = await ask(strangerKey, 'POST', `/v1/sessions/${session.id}/close`);
    expect([read.statusCode, changed.statusCode, closed.statusCode]).toEqual([404, 404, 404]);
    expect(read.body).toBe(absent.body);
    expect((await ask(key, 'GET', `/v1/sessions/${session.id}`)).json().state).toBe('open');
  });

  test('is extended from now on', async () => {
    const session = await open();
    const answer = await ask(key, 'PATCH', `/v1/sessions/${session.id}`, { expiresInSeconds: 86_400 });
    expect(answer.statusCode).toBe(200);
    expect(Date.parse(answer.json().expiresAt)).toBe(real.clock.now() + 86_400_000);
  });

  test("follows a participant to a new number, and says nothing of the number's digits", async () => {
    const session = await open();
    const [customer] = session.participants;
    const change = (realNumber: string) =>
      ask(key, 'PATCH', `/v1/sessions/${session.id}`, { participant: { id: customer.id, realNumber } });
    const answer = await change('+12025550177');
    expect(answer.json().participants[0]).toEqual({ ...customer, realNumber: '+1••••••0177' });
    const invalid = await change('12');
    expect(invalid.json()).toMatchObject({
      code: 'MASK_INVALID_NUMBER',
      errors: [{ path: '/participant/realNumber' }],
    });
    const equal = await change(DRIVER);
    expect(equal.json().code).toBe('MASK_EQUAL_NUMBERS');
  });

  test.each([
    [undefined, 'closed'],
    [{}, 'closed'],
    [{ reason: 'completed' }, 'completed'],
    [{ reason: 'cancelled' }, 'cancelled'],
  ])('is closed with %j, once', async (body, reason) => {
    const session = await open();
    const closed = await ask(key, 'POST', `/v1/sessions/${session.id}/close`, body);
    const again = await ask(key, 'POST', `/v1/sessions/${session.id}/close`, { reason: 'cancelled' });
    expect(closed.json()).toMatchObject({ state: 'closed', closedReason: reason });
    expect(again.json()).toEqual(closed.json());
    const late = await ask(key, 'PATCH', `/v1/sessions/${session.id}`, { expiresInSeconds: 60 });
    expect([late.statusCode, late.json().code]).toEqual([409, 'MASK_SESSION_CLOSED']);
  });

  test('cannot be closed for a reason of ours', async () => {
    const session = await open();
    const answer = await ask(key, 'POST', `/v1/sessions/${session.id}/close`, { reason: 'superseded' });
    expect(answer.statusCode).toBe(400);
  });
});

describe('the lists', () => {
  test('go through all sessions page by page, each once', async () => {
    const { app } = real;
    for (let i = 0; i < 5; i++) await open({ reference: `list-${i}` });
    const all = await app.storage.run('acme', (s) =>
      s.sessions.list({ reference: null }, { limit: 500, after: null }),
    );
    const seen: string[] = [];
    let cursor: string | null = null;
    for (let page = 0; page <= all.length; page++) {
      const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const { data, nextCursor } = (await ask(key, 'GET', `/v1/sessions?limit=2${after}`)).json();
      expect(data.length).toBeLessThanOrEqual(2);
      seen.push(...data.map((session: { id: string }) => session.id));
      cursor = nextCursor;
      if (cursor === null) break;
    }
    expect(cursor).toBeNull();
    expect(seen).toEqual(all.map((row) => row.id));
  });

  test('refuse a cursor of another list or tenant', async () => {
    for (let i = 0; i < 2; i++) await open({ reference: `cursor-${i}` });
    const { nextCursor } = (await ask(key, 'GET', '/v1/sessions?limit=1')).json();
    const otherList = await ask(key, 'GET', `/v1/calls?cursor=${nextCursor}`);
    const otherTenant = await ask(strangerKey, 'GET', `/v1/sessions?cursor=${nextCursor}`);
    for (const answer of [otherList, otherTenant]) {
      expect(answer.statusCode).toBe(400);
      expect(answer.json().errors).toEqual([{ path: '?cursor', message: 'is not a cursor of this list' }]);
    }
  });

  test.each([
    'limit=0',
    'limit=201',
    'limit=',
    'limit=1.5',
    'limit=1e1',
    'limit=-1',
    'limit=1&limit=2',
    'offset=3',
  ])('refuse ?%s', async (query) => {
    expect((await ask(key, 'GET', `/v1/sessions?${query}`)).statusCode).toBe(400);
  });
});

describe('POST /v1/route-decisions', () => {
  const decide = (body: Record<string, unknown>) =>
    ask(key, 'POST', '/v1/route-decisions', { callId: `call-${++calls}`, ...body });

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
    const body = { callId: `same-${orders}`, callingNumber: CUSTOMER, calledNumber: driver.virtualNumber };
    const bodies = await Promise.all([decide(body), decide(body), decide(body)]);
    expect(new Set(bodies.map((answer) => answer.body)).size).toBe(1);
    const listed = (await ask(key, 'GET', `/v1/calls?reference=order-${orders}`)).json();
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
    await ask(key, 'POST', `/v1/sessions/${session.id}/close`, { reason: 'cancelled' });
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
    const answer = await ask(strangerKey, 'POST', '/v1/route-decisions', {
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
    await ask(key, 'POST', '/v1/route-decisions', {
      callId: `listed-${orders}`,
      callingNumber: CUSTOMER,
      calledNumber: session.participants[1].virtualNumber,
    });
    const bySession = await ask(key, 'GET', `/v1/calls?session=${session.id}`);
    const byReference = await ask(key, 'GET', `/v1/calls?reference=order-${orders}`);
    const [call] = bySession.json().data;
    expect(call).toMatchObject({
      sessionId: session.id,
      providerCallId: `listed-${orders}`,
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
    expect((await ask(key, 'GET', `/v1/calls/${call.id}`)).json()).toEqual(call);
    expect((await ask(strangerKey, 'GET', `/v1/calls/${call.id}`)).statusCode).toBe(404);
    expect(bySession.body).not.toMatch(/2025550123|7700900456/);
  });
});

function people(count: number, changes: Record<string, unknown> = {}) {
  return Array.from({ length: count }, (_, i) => ({
    role: i % 2 === 0 ? 'customer' : 'driver',
    realNumber: `+1202555${String(150 + i).padStart(4, '0')}`,
    ...changes,
  }));
}

function twins() {
  return people(2, { realNumber: CUSTOMER });
}

function withVirtualNumber() {
  return [
    { role: 'customer', realNumber: CUSTOMER },
    { role: 'driver', realNumber: '+13035550100' },
  ];
}
