import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { StorageError } from '../../storage/storage-error.ts';
import { SIGNATURE_HEADER } from '../testing/fake-provider.ts';
import { CUSTOMER, DRIVER } from '../testing/springfield.ts';
import { createTestServer, PUBLIC_URL } from '../testing/test-server.ts';
import { createWebhookTown, PATH, type WebhookTown } from '../testing/webhook-town.ts';

let s: WebhookTown;

beforeAll(async () => {
  s = await createWebhookTown();
});
afterAll(() => s.close());
beforeEach(() => s.renewProvider());

describe('a status callback', () => {
  test('is recorded once, and acknowledged every time', async () => {
    const id = s.callId;
    await s.deliver(`${PATH}/answer`, { id, from: CUSTOMER, to: s.shown.driver });
    const at = s.clock.now() + 2_000;
    for (let i = 0; i < 2; i++) {
      const answer = await s.deliver(`${PATH}/status`, { id, at });
      expect([answer.statusCode, answer.body]).toEqual([200, '{}']);
    }
    const listed = (await s.ask(s.key, 'GET', '/v1/calls?limit=200')).json().data;
    const call = listed.find((row: { providerCallId: string }) => row.providerCallId === id);
    expect(call).toMatchObject({ state: 'ringing', ringingAt: new Date(at).toISOString() });
  });

  test('of a call that we do not know is acknowledged: asking again would not help', async () => {
    expect((await s.deliver(`${PATH}/status`, { id: 'unheard-of', at: 1 })).statusCode).toBe(200);
  });

  test('that cannot be read is refused, and one that says nothing is acknowledged', async () => {
    const unreadable = await s.deliver(`${PATH}/status`, 'no JSON');
    expect([unreadable.statusCode, unreadable.json().code]).toEqual([400, 'MASK_INVALID_REQUEST']);
    expect((await s.deliver(`${PATH}/status`, { ignore: true })).statusCode).toBe(200);
  });

  test('is answered 503 while storage is gone, so that the provider tries again', async () => {
    const app = {
      ...s.app,
      storage: {
        ...s.app.storage,
        run: async () => {
          throw new StorageError('unavailable', 'gone');
        },
      },
    };
    const path = `${PATH}/status`;
    const answer = await createTestServer(app).http.inject({
      method: 'POST',
      url: path,
      headers: { [SIGNATURE_HEADER]: PUBLIC_URL + path },
      payload: JSON.stringify({ id: 'x', at: 1 }),
    });
    expect(answer.statusCode).toBe(503);
  });
});

describe('a message webhook', () => {
  test('of a participant is answered with the text for the other, from the number of the sender', async () => {
    const body = { id: s.callId, from: CUSTOMER, to: s.shown.driver, text: 'I am at the door.' };
    const answer = await s.deliver(`${PATH}/message`, body);
    expect(JSON.parse(answer.body)).toEqual({
      to: DRIVER,
      from: s.shown.customer,
      text: 'I am at the door.',
    });
    const listed = await s.ask(s.key, 'GET', '/v1/messages');
    expect(listed.json().data).toContainEqual(
      expect.objectContaining({
        providerMessageId: s.callId,
        sendingRole: 'customer',
        receivingRole: 'driver',
        virtualNumber: s.shown.driver,
        senderId: s.shown.customer,
        decision: 'relay',
        reason: 'ok',
      }),
    );
    expect(listed.body).not.toMatch(/door|7700900456|2025550123/);
    expect(s.logLines.join('')).not.toMatch(/door|7700900456|2025550123/);
  });

  test('of a stranger is dropped in silence', async () => {
    const answer = await s.deliver(`${PATH}/message`, {
      id: s.callId,
      from: '+12025550199',
      to: s.shown.driver,
      text: 'Hello?',
    });
    expect([answer.statusCode, answer.body]).toEqual([200, '{}']);
  });
});
