import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CUSTOMER, createSpringfield, DRIVER, type Springfield, sessionOf } from '../testing/springfield.ts';
import { keptKey } from '../idempotency.ts';

let s: Springfield;
let reference: string;

beforeAll(async () => {
  s = await createSpringfield();
});
afterAll(() => s.close());
beforeEach(() => {
  reference = s.nextReference();
});

const open = (changes: Record<string, unknown> = {}) => s.open({ reference, ...changes });
const body = (changes: Record<string, unknown> = {}) => sessionOf(reference, changes);

describe('POST /v1/sessions', () => {
  test('answers with the session: a number for each, real numbers masked, where to find it', async () => {
    const answer = await s.ask(s.key, 'POST', '/v1/sessions', body());
    expect(answer.statusCode).toBe(201);
    const session = answer.json();
    expect(session).toMatchObject({
      reference,
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
    await s.ask(s.key, 'POST', '/v1/pools', { name: 'empty' });
    const answer = await s.ask(s.key, 'POST', '/v1/sessions', body({ pool: 'empty' }));
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
    const again = await s.ask(s.key, 'POST', '/v1/sessions', body({ assignment: 5 }));
    const older = await s.ask(s.key, 'POST', '/v1/sessions', body({ assignment: 4 }));
    expect([again.statusCode, again.json().code]).toEqual([409, 'MASK_ALREADY_EXISTS']);
    expect([older.statusCode, older.json().code]).toEqual([409, 'MASK_ASSIGNMENT_SUPERSEDED']);
  });

  test('names the places of what is no number, and never says what stood there', async () => {
    const participants = [
      { role: 'customer', realNumber: '+1202555012345678' },
      { role: 'driver', realNumber: DRIVER },
      { role: 'driver', realNumber: 'call me' },
    ];
    const answer = await s.ask(s.key, 'POST', '/v1/sessions', body({ participants }));
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
    const answer = await s.ask(s.key, 'POST', '/v1/sessions', body(changes));
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
    const answer = await s.ask(s.key, 'POST', '/v1/sessions', body(changes));
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
      s.ask(s.key, 'POST', '/v1/sessions', body({ assignment: undefined }), {
        'idempotency-key': `twins-${reference}`,
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
    const found = await s.ask(s.key, 'GET', `/v1/sessions?reference=${reference}`);
    expect(found.json().data).toHaveLength(1);
  });

  test('opens it again a minute after a first run that left nothing but its claim', async () => {
    const { clock } = s;
    const [apiKey] = await s.app.storage.run('acme', (storage) => storage.apiKeys.list());
    if (!apiKey) throw new Error('The test has no API key.');
    const name = `crashed-${reference}`;
    const key = keptKey(await s.app.vault.keysOf('acme'), name);
    const claim = { apiKeyId: apiKey.id, key, hash: new Uint8Array(32) };
    const now = clock.now();
    await s.app.storage.run('acme', (storage) =>
      storage.idempotency.begin({ ...claim, now, expiresAt: now + 60_000 }),
    );
    const send = () => s.ask(s.key, 'POST', '/v1/sessions', body(), { 'idempotency-key': name });
    clock.advance(59_999);
    expect((await send()).statusCode).toBe(422);
    clock.advance(1);
    const answers = await Promise.all([send(), send(), send()]);
    const statuses = answers.map((answer) => answer.statusCode);
    expect(statuses).toContain(201);
    expect(statuses.every((status) => status === 201 || status === 409)).toBe(true);
    expect((await s.ask(s.key, 'GET', `/v1/sessions?reference=${reference}`)).json().data).toHaveLength(1);
  });

  test('keeps nothing of the body but a keyed hash', async () => {
    await s.ask(s.key, 'POST', '/v1/sessions', body(), { 'idempotency-key': 'kept' });
    const now = s.clock.now();
    const keys = await s.app.storage.run('acme', (s) => s.apiKeys.list());
    const key = keptKey(await s.app.vault.keysOf('acme'), 'kept');
    const rows = await Promise.all(
      keys.map(({ id }) =>
        s.app.storage.run('acme', (s) =>
          s.idempotency.begin({ apiKeyId: id, key, hash: new Uint8Array(32), now, expiresAt: now }),
        ),
      ),
    );
    const [row] = rows.filter((kept) => kept !== null);
    expect(row?.status).toBe(201);
    expect(row?.hash).toHaveLength(32);
    expect(JSON.stringify(row)).not.toMatch(/2025550123|7700900456/);
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
