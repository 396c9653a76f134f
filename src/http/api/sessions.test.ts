import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSpringfield, DRIVER, type Springfield } from '../testing/springfield.ts';

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

describe('a session', () => {
  test('is read by its id and found by its reference', async () => {
    const session = await open();
    const read = await s.ask(s.key, 'GET', `/v1/sessions/${session.id}`);
    const found = await s.ask(s.key, 'GET', `/v1/sessions?reference=${reference}`);
    expect(read.json()).toEqual(session);
    expect(found.json()).toEqual({ data: [session], nextCursor: null });
  });

  test('is not there for another tenant, whatever that tenant tries', async () => {
    const session = await open();
    const read = await s.ask(s.strangerKey, 'GET', `/v1/sessions/${session.id}`);
    const absent = await s.ask(s.strangerKey, 'GET', '/v1/sessions/ses_nothing');
    const changed = await s.ask(s.strangerKey, 'PATCH', `/v1/sessions/${session.id}`, {
      expiresInSeconds: 1,
    });
    const closed = await s.ask(s.strangerKey, 'POST', `/v1/sessions/${session.id}/close`);
    expect([read.statusCode, changed.statusCode, closed.statusCode]).toEqual([404, 404, 404]);
    expect(read.body).toBe(absent.body);
    expect((await s.ask(s.key, 'GET', `/v1/sessions/${session.id}`)).json().state).toBe('open');
  });

  test('is extended from now on', async () => {
    const session = await open();
    const answer = await s.ask(s.key, 'PATCH', `/v1/sessions/${session.id}`, { expiresInSeconds: 86_400 });
    expect(answer.statusCode).toBe(200);
    expect(Date.parse(answer.json().expiresAt)).toBe(s.clock.now() + 86_400_000);
  });

  test("follows a participant to a new number, and says nothing of the number's digits", async () => {
    const session = await open();
    const [customer] = session.participants;
    const change = (realNumber: string) =>
      s.ask(s.key, 'PATCH', `/v1/sessions/${session.id}`, { participant: { id: customer.id, realNumber } });
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
    const closed = await s.ask(s.key, 'POST', `/v1/sessions/${session.id}/close`, body);
    const again = await s.ask(s.key, 'POST', `/v1/sessions/${session.id}/close`, { reason: 'cancelled' });
    expect(closed.json()).toMatchObject({ state: 'closed', closedReason: reason });
    expect(again.json()).toEqual(closed.json());
    const late = await s.ask(s.key, 'PATCH', `/v1/sessions/${session.id}`, { expiresInSeconds: 60 });
    expect([late.statusCode, late.json().code]).toEqual([409, 'MASK_SESSION_CLOSED']);
  });

  test('cannot be closed for a reason of ours', async () => {
    const session = await open();
    const answer = await s.ask(s.key, 'POST', `/v1/sessions/${session.id}/close`, { reason: 'superseded' });
    expect(answer.statusCode).toBe(400);
  });
});

describe('the lists', () => {
  test('go through all sessions page by page, each once', async () => {
    const { app } = s;
    for (let i = 0; i < 5; i++) await open({ reference: `list-${i}` });
    const all = await app.storage.run('acme', (storage) =>
      storage.sessions.list({ reference: null }, { limit: 500, after: null }),
    );
    const seen: string[] = [];
    let cursor: string | null = null;
    for (let page = 0; page <= all.length; page++) {
      const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const { data, nextCursor } = (await s.ask(s.key, 'GET', `/v1/sessions?limit=2${after}`)).json();
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
    const { nextCursor } = (await s.ask(s.key, 'GET', '/v1/sessions?limit=1')).json();
    const otherList = await s.ask(s.key, 'GET', `/v1/calls?cursor=${nextCursor}`);
    const otherTenant = await s.ask(s.strangerKey, 'GET', `/v1/sessions?cursor=${nextCursor}`);
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
    expect((await s.ask(s.key, 'GET', `/v1/sessions?${query}`)).statusCode).toBe(400);
  });
});
