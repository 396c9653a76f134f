import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { AccountWebhooks } from './account-webhooks.ts';
import { Faults } from './faults.ts';
import { sendWebhook, WEBHOOK_ANSWER_BYTES_MAXIMUM } from './webhook-sender.ts';

let server: Server;
let url: string;
let paths: string[];
let answer: { status: number; headers?: Record<string, string>; body: string } | null;

beforeEach(async () => {
  paths = [];
  answer = { status: 200, body: '{}' };
  server = createServer((request, response) => {
    paths.push(request.url ?? '');
    if (answer) response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/answer`;
});

afterEach(() => {
  server.close();
  server.closeAllConnections();
});

describe('sendWebhook', () => {
  const { signal } = new AbortController();
  const send = () => sendWebhook({ url, headers: {}, body: '{}' }, signal);

  it('follows no redirect', async () => {
    answer = { status: 307, headers: { location: '/elsewhere' }, body: '' };
    await expect(send()).rejects.toThrow();
    expect(paths).toEqual(['/answer']);
  });

  it('reads 64 kB, and not a byte more', async () => {
    answer = { status: 200, body: 'é'.repeat(WEBHOOK_ANSWER_BYTES_MAXIMUM / 2) };
    expect((await send()).body).toBe(answer.body);
    answer = { status: 200, body: `${answer.body}x` };
    await expect(send()).rejects.toThrow(/longer than 65536 bytes/);
  });
});

describe('AccountWebhooks over HTTP', () => {
  const report = { callId: 'call-1', event: 'ringing', at: '', sequence: 1 } as const;
  const create = (clock = new ManualClock()) =>
    new AccountWebhooks({
      clock,
      account: { webhookBase: url, sharedSecret: 'secret' },
      faults: new Faults(seededRandom(1)),
      sender: sendWebhook,
      log: () => undefined,
    });

  it.each([
    [200, 'delivered'],
    [204, 'delivered'],
    [400, 'refused'],
    [403, 'refused'],
    [429, 'unanswered'],
    [500, 'unanswered'],
    [503, 'unanswered'],
  ])('takes %i for %s', async (status, outcome) => {
    answer = { status, body: '' };
    expect(await create().report(url, report)).toBe(outcome);
  });

  it('gives up a report after five seconds, and everything when it stops', async () => {
    answer = null;
    const clock = new ManualClock();
    const webhooks = create(clock);
    const late = webhooks.report(url, report);
    await once(server, 'request');
    clock.advance(5_000);
    expect(await late).toBe('unanswered');
    const cut = webhooks.report(url, report);
    await once(server, 'request');
    webhooks.stop();
    expect(await cut).toBe('unanswered');
    expect(await webhooks.report(url, report)).toBe('unanswered');
    expect(paths).toHaveLength(2);
  });
});
