import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CUSTOMER, createSpringfield, DRIVER, type Springfield } from '../testing/springfield.ts';

let s: Springfield;
beforeAll(async () => {
  s = await createSpringfield();
});
afterAll(() => s.close());

async function decide(callId: string, change: Record<string, unknown>) {
  const body = { callingNumber: CUSTOMER, callId, ...change };
  return (await s.ask(s.key, 'POST', '/v1/route-decisions', body)).json();
}

async function openWith(stepUp: string) {
  await s.ask(s.key, 'PATCH', '/v1/pools/springfield', { stepUp });
  const session = await s.open();
  return { session, calledNumber: session.participants[1].virtualNumber };
}

describe('blocks of the company', () => {
  it('are made, shown masked, and lifted', async () => {
    const realNumber = '+447700900789';
    const made = await s.ask(s.key, 'POST', '/v1/blocks', { realNumber, reason: 'Threats, case 1' });
    expect(made.statusCode).toBe(201);
    expect(made.json()).toMatchObject({
      realNumber: '+44••••••0789',
      userId: null,
      reason: 'Threats, case 1',
    });
    expect((await s.ask(s.key, 'POST', '/v1/blocks', { realNumber, reason: 'again' })).statusCode).toBe(409);
    const refused = await s.ask(s.key, 'POST', '/v1/sessions', {
      pool: 'springfield',
      reference: s.nextReference(),
      participants: [
        { role: 'customer', realNumber },
        { role: 'driver', realNumber: DRIVER },
      ],
    });
    expect([refused.statusCode, refused.json().code]).toEqual([422, 'MASK_PERSON_BLOCKED']);
    const listed = await s.ask(s.key, 'GET', '/v1/blocks');
    expect(listed.json().data).toHaveLength(1);
    expect(listed.body).not.toContain(realNumber);
    expect((await s.ask(s.strangerKey, 'GET', '/v1/blocks')).json().data).toEqual([]);
    const url = `/v1/blocks/${made.json().id}`;
    expect((await s.ask(s.strangerKey, 'DELETE', url)).statusCode).toBe(404);
    expect((await s.ask(s.key, 'DELETE', url)).json()).toEqual(made.json());
    expect((await s.ask(s.key, 'DELETE', url)).statusCode).toBe(404);
  });

  it('name somebody', async () => {
    const nobody = await s.ask(s.key, 'POST', '/v1/blocks', { reason: 'Nobody' });
    expect(nobody.statusCode).toBe(400);
    const wrong = await s.ask(s.key, 'POST', '/v1/blocks', { realNumber: '12', reason: 'Wrong' });
    expect([wrong.statusCode, wrong.json().code]).toEqual([422, 'MASK_INVALID_NUMBER']);
  });
});

describe('the block button', () => {
  it('stops one way of one session, and can be taken back', async () => {
    const session = await s.open();
    const blocks = `/v1/sessions/${session.id}/blocks`;
    const body = { participantId: 'customer', blocks: 'driver' };
    const made = await s.ask(s.key, 'POST', blocks, body);
    expect(made.statusCode).toBe(201);
    const call = { callingNumber: DRIVER, calledNumber: session.participants[0].virtualNumber };
    expect(await decide('b1', call)).toMatchObject({ decision: 'announce', reason: 'blocked' });
    expect((await s.ask(s.strangerKey, 'POST', blocks, body)).statusCode).toBe(404);
    expect((await s.ask(s.key, 'DELETE', `${blocks}/${made.json().id}`)).statusCode).toBe(200);
    expect(await decide('b2', call)).toMatchObject({ decision: 'bridge' });
  });
});

describe('an announced call', () => {
  it('connects once from a number that is not known', async () => {
    const { session, calledNumber } = await openWith('intent');
    const url = `/v1/sessions/${session.id}/call-intents`;
    const made = await s.ask(s.key, 'POST', url, { participantId: 'customer' });
    expect([made.statusCode, made.json().virtualNumber]).toEqual([201, calledNumber]);
    const stranger = { callingNumber: 'anonymous', calledNumber };
    expect(await decide('i1', stranger)).toMatchObject({ decision: 'bridge', destination: DRIVER });
    expect(await decide('i2', stranger)).toMatchObject({ decision: 'announce', reason: 'unknown_caller' });
    expect((await s.ask(s.strangerKey, 'POST', url, { participantId: 'customer' })).statusCode).toBe(404);
    const alone = await s.ask(s.key, 'POST', url, { participantId: 'customer', to: 'customer' });
    expect(alone.statusCode).toBe(400);
  });
});

describe('a PIN', () => {
  it('is told once, not kept, and connects', async () => {
    const { session, calledNumber } = await openWith('pin');
    const url = `/v1/sessions/${session.id}/pins`;
    const made = await s.ask(s.key, 'POST', url, { participantId: 'customer' }, { 'idempotency-key': 'p-1' });
    const { pin } = made.json();
    expect(pin).toMatch(/^[0-9]{6}$/);
    // An answer that is kept would keep it: the same key gets another one.
    const again = await s.ask(
      s.key,
      'POST',
      url,
      { participantId: 'customer' },
      { 'idempotency-key': 'p-1' },
    );
    expect(again.headers['idempotency-replayed']).toBeUndefined();
    const stranger = { callingNumber: 'anonymous', calledNumber };
    expect(await decide('p1', stranger)).toEqual({
      decision: 'collect_pin',
      reason: 'unknown_caller',
      announcement: null,
      digits: 6,
    });
    expect(await decide('p1', { ...stranger, digits: again.json().pin })).toMatchObject({
      decision: 'bridge',
      destination: DRIVER,
    });
    const { body } = await s.ask(s.key, 'GET', `/v1/sessions/${session.id}`);
    expect(body).not.toContain(again.json().pin);
  });

  it('is for pools that ask for one', async () => {
    const { session } = await openWith('none');
    const asked = await s.ask(s.key, 'POST', `/v1/sessions/${session.id}/pins`, { participantId: 'driver' });
    expect([asked.statusCode, asked.json().code]).toEqual([409, 'MASK_STEP_UP_OFF']);
  });
});
