import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Webhook } from 'standardwebhooks';
import { RETRY_DELAYS_MS } from '../../app/deliver-webhook.ts';
import { toDelivery } from '../../app/webhook-payload.ts';
import { webhookDeliverer } from '../../jobs/webhook-deliverer.ts';
import type { WebhookRequest, WebhookSender } from '../../webhooks-out/webhook-sender.ts';
import { createSpringfield, CUSTOMER, DRIVER, type Springfield } from '../testing/springfield.ts';

const URL = 'https://hooks.example.com/maskline';
const HOUR_MS = 3_600_000;
let s: Springfield;
beforeAll(async () => {
  s = await createSpringfield();
});
afterAll(() => s.close());

interface Hook {
  readonly id: string;
  readonly secret: string;
}

async function subscribe(eventTypes: string[], key = s.key): Promise<Hook> {
  const answer = await s.ask(key, 'POST', '/v1/webhooks', { url: URL, eventTypes });
  expect(answer.statusCode).toBe(201);
  return answer.json();
}

/** Receives what is sent and answers as told. */
function receiver(status: () => number): { received: WebhookRequest[]; send: WebhookSender } {
  const received: WebhookRequest[] = [];
  const send: WebhookSender = async (request) => {
    received.push(request);
    return { status: status() };
  };
  return { received, send };
}

/** What the publisher does once events are on the bus. */
async function publish(): Promise<void> {
  const rows = await s.app.storage.system.outboxOldest(1_000);
  await s.app.storage.webhooks.fanOut(rows.map(toDelivery), s.clock.now());
  // A crash in between publishes again: nothing is sent twice for that.
  await s.app.storage.webhooks.fanOut(rows.map(toDelivery), s.clock.now());
  await s.app.storage.system.outboxDelete(rows.map((row) => row.id));
}

const deliver = (send: WebhookSender) => webhookDeliverer(s.app, { send }).run(new AbortController().signal);
const deliveries = async (hook: Hook) =>
  (await s.ask(s.key, 'GET', `/v1/webhooks/${hook.id}/deliveries`)).json().data;
const disable = (hook: Hook) => s.ask(s.key, 'PATCH', `/v1/webhooks/${hook.id}`, { state: 'disabled' });

describe('a webhook', () => {
  test('gets the events that it asked for, signed, thin and once', async () => {
    const hook = await subscribe(['session.opened']);
    const session = await s.open();
    await publish();
    const { received, send } = receiver(() => 204);
    await deliver(send);
    await deliver(send);
    expect(received).toHaveLength(1);
    const [request] = received as [WebhookRequest];
    expect(request.url).toBe(URL);
    // The clock of the test stands still in the past, so only the signature is asked about here.
    const {
      'webhook-id': id = '',
      'webhook-timestamp': at = '',
      'webhook-signature': signature,
    } = request.headers;
    expect(new Webhook(hook.secret).sign(id, new Date(Number(at) * 1_000), request.body)).toBe(signature);
    const body = JSON.parse(request.body);
    expect(body).toEqual({
      type: 'session.opened',
      timestamp: expect.any(String),
      data: { sessionId: session.id, reference: expect.any(String), assignment: 1, pool: 'springfield' },
    });
    for (const number of [CUSTOMER, DRIVER, ...session.participants.map((p) => p.virtualNumber)]) {
      expect(request.body).not.toContain(number.slice(2));
    }
    expect(await deliveries(hook)).toMatchObject([{ state: 'delivered', attempts: 1, lastStatus: 204 }]);
    await disable(hook);
  });

  test('is tried ten times over 75 hours, and then not any more', async () => {
    const hook = await subscribe(['session.opened']);
    await s.open();
    await publish();
    const { received, send } = receiver(() => 503);
    const from = s.clock.now();
    for (let i = 0; i < 400 && (await deliveries(hook))[0].state === 'waiting'; i++) {
      await deliver(send);
      s.clock.advance(i < 40 ? 30_000 : HOUR_MS / 4);
    }
    expect(received).toHaveLength(10);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    const hours = (s.clock.now() - from) / HOUR_MS;
    expect(hours).toBeGreaterThan(65);
    expect(hours).toBeLessThan(86);
    expect(RETRY_DELAYS_MS.reduce((sum, ms) => sum + ms) / HOUR_MS).toBeCloseTo(75.6, 1);
    expect(await deliveries(hook)).toMatchObject([{ state: 'failed', attempts: 10, lastStatus: 503 }]);
    const replay = await s.ask(s.key, 'POST', `/v1/webhooks/${hook.id}/replays`, {
      failedSince: new Date(from).toISOString(),
    });
    expect(replay.json()).toEqual({ replayed: 1 });
    await deliver(receiver(() => 200).send);
    const [delivered] = await deliveries(hook);
    expect(delivered).toMatchObject({ state: 'delivered', attempts: 1 });
    const again = await s.ask(s.key, 'POST', `/v1/webhooks/${hook.id}/replays`, { deliveryId: delivered.id });
    expect(again.json()).toEqual({ replayed: 1 });
    s.clock.advance(31 * 24 * HOUR_MS);
    await deliver(receiver(() => 200).send);
    const late = await s.ask(s.key, 'POST', `/v1/webhooks/${hook.id}/replays`, { deliveryId: delivered.id });
    expect(late.json()).toEqual({ replayed: 0 });
    await disable(hook);
  });

  test('that answers 410 is disabled, and says why', async () => {
    const hook = await subscribe(['session.opened']);
    await s.open();
    await publish();
    const { received, send } = receiver(() => 410);
    await deliver(send);
    await s.open();
    await publish();
    await deliver(send);
    expect(received).toHaveLength(1);
    const listed = (await s.ask(s.key, 'GET', '/v1/webhooks')).json().data;
    expect(listed.find(({ id }: Hook) => id === hook.id)).toMatchObject({
      state: 'disabled',
      disabledReason: /410/,
    });
    expect(JSON.stringify(listed)).not.toContain('whsec_');
  });

  test('that does not answer leaves no stranger’s words behind', async () => {
    const hook = await subscribe(['session.opened']);
    await s.open();
    await publish();
    await deliver(async () => {
      throw Object.assign(new Error(`connect to 10.0.0.7 for ${CUSTOMER}`), { code: 'ECONNREFUSED' });
    });
    const [tried] = await deliveries(hook);
    expect(tried).toMatchObject({
      state: 'waiting',
      attempts: 1,
      lastError: 'The connection failed (ECONNREFUSED).',
    });
    await disable(hook);
  });

  test.each([
    'http://hooks.example.com/',
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://hooks.example.com:22/',
    'nonsense',
  ])('cannot lead to %s', async (url) => {
    const answer = await s.ask(s.key, 'POST', '/v1/webhooks', { url, eventTypes: ['session.opened'] });
    expect(answer.statusCode).toBe(400);
  });

  test('of one tenant gets nothing of another, and is not there for it', async () => {
    const hook = await subscribe(['session.opened'], s.strangerKey);
    await s.open();
    await publish();
    const { received, send } = receiver(() => 200);
    await deliver(send);
    expect(received.filter(({ body }) => body.includes('springfield'))).toEqual([]);
    for (const [method, path, body] of [
      ['GET', `/v1/webhooks/${hook.id}/deliveries`, undefined],
      ['PATCH', `/v1/webhooks/${hook.id}`, { state: 'disabled' }],
      ['POST', `/v1/webhooks/${hook.id}/replays`, { deliveryId: '1' }],
    ] as const) {
      expect((await s.ask(s.key, method, path, body)).statusCode).toBe(404);
    }
  });
});
