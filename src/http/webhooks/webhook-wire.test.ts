import { type AddressInfo, connect, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createFakeApp } from '../testing/fake-app.ts';
import { FakeProvider, SIGNATURE_HEADER } from '../testing/fake-provider.ts';
import { ACCOUNT } from '../testing/real-app.ts';
import { createTestServer, PUBLIC_URL } from '../testing/test-server.ts';

const PATH = `/webhooks/fake/${ACCOUNT.id}/${ACCOUNT.pathSecret}/status`;
/** A callback that says nothing that we keep, so that nothing but the HTTP side is at work. */
const BODY = '{"ignore":true}';

async function listen(options: Parameters<typeof createTestServer>[1] = {}) {
  const fake = createFakeApp();
  const provider = new FakeProvider();
  fake.accounts.set(ACCOUNT.id, { ...ACCOUNT, tenant: 'acme', provider, webhookBase: '' });
  const { http } = createTestServer(fake.app, options);
  const closing = Promise.withResolvers<void>();
  http.addHook('preClose', async () => closing.resolve());
  onTestFinished(() => http.close());
  await http.listen({ host: '127.0.0.1', port: 0 });
  const { port } = http.server.address() as AddressInfo;
  return { fake, provider, http, port, closing: closing.promise };
}

function head(lines: readonly string[], path = PATH): string {
  return [
    `POST ${path} HTTP/1.1`,
    'Host: x',
    `${SIGNATURE_HEADER}: ${PUBLIC_URL}${path}`,
    ...lines,
    '',
    '',
  ].join('\r\n');
}

function webhook(path = PATH, ...lines: string[]): string {
  return head([`Content-Length: ${BODY.length}`, ...lines], path) + BODY;
}

/** What comes back until the server hangs up. `act` writes and may end or destroy its side. */
function exchange(port: number, act: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let received = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      received += text;
    });
    socket.on('end', () => socket.end()).on('error', () => {});
    socket.on('close', () => resolve(received));
    socket.on('connect', () => act(socket));
  });
}

function statuses(answers: string): string[] {
  return [...answers.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status = '']) => status);
}

describe('a webhook on the wire', () => {
  test('is answered with the headers of every answer, and keeps its connection', async () => {
    const { port, fake } = await listen();
    const answers = await exchange(port, (socket) => {
      socket.write(webhook(PATH, 'X-Request-Id: call-from-twilio'));
      socket.write(webhook(PATH, 'Connection: close'));
    });
    expect(statuses(answers)).toEqual(['200', '200']);
    const [first = ''] = answers.split('\r\n\r\n');
    expect(first.toLowerCase().split('\r\n')).toEqual(
      expect.arrayContaining([
        'content-type: application/vnd.fake+xml',
        'content-length: 2',
        'cache-control: no-store',
        'x-content-type-options: nosniff',
        'referrer-policy: no-referrer',
        "content-security-policy: default-src 'none'; frame-ancestors 'none'",
        'x-request-id: call-from-twilio',
        'connection: keep-alive',
      ]),
    );
    const lines = fake.logLines.map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({
      level: 'debug',
      requestId: 'call-from-twilio',
      method: 'POST',
      route: '/webhooks/:provider/:accountId/:pathSecret/status',
      status: 200,
    });
    const metrics = await fake.app.metrics.registry.metrics();
    expect(metrics).toMatch(/http_request_seconds_count\{method="POST",route="[^"]*status",status="200"\} 2/);
  });

  test('is answered in its place among pipelined requests for other things', async () => {
    const { port } = await listen();
    const answers = await exchange(port, (socket) => {
      const healthz = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
      socket.write(
        webhook() + healthz + webhook(`${PATH}?a=%zz`) + webhook(`${PATH.replace('acc_1', '%zz')}`),
      );
      socket.write(webhook(PATH, 'Connection: close'));
    });
    expect(statuses(answers)).toEqual(['200', '200', '200', '400', '200']);
    expect(answers).toContain('{"status":"ok"}');
  });

  test('of a sender that has closed its side is answered', async () => {
    const { port } = await listen();
    expect(statuses(await exchange(port, (socket) => socket.end(webhook())))).toEqual(['200']);
  });

  test('whose sender hangs up in the middle is not looked at', async () => {
    const { port, provider, fake } = await listen();
    await exchange(port, (socket) => {
      socket.write(head(['Content-Length: 100']) + BODY, () => socket.destroy());
    });
    // The server has read that connection to its end when it has answered one that came later.
    await exchange(port, (socket) => socket.end(webhook()));
    expect(provider.requests).toHaveLength(1);
    expect(fake.logLines.filter((line) => !line.includes('"level":"debug"'))).toEqual([]);
  });

  test.each([
    ['with a length', head(['Content-Length: 65537', 'Connection: close']), 'x'.repeat(65_537)],
    [
      'in chunks',
      head(['Transfer-Encoding: chunked', 'Connection: close']),
      `10001\r\n${'x'.repeat(65_537)}\r\n0\r\n\r\n`,
    ],
  ])('with a byte too many, %s, is refused after it was read away', async (_how, start, body) => {
    const { port, provider } = await listen();
    const answer = await exchange(port, (socket) => socket.write(start + body));
    expect(statuses(answer)).toEqual(['413']);
    expect(answer).toContain('MASK_BODY_TOO_LARGE');
    expect(provider.requests).toHaveLength(0);
  });

  test('in chunks, as long as may be, arrives whole', async () => {
    const { port, provider } = await listen();
    const part = 'x'.repeat(1_024);
    const chunks = `400\r\n${part}\r\n`.repeat(64);
    const answer = await exchange(port, (socket) => {
      socket.write(head(['Transfer-Encoding: chunked', 'Connection: close']));
      socket.write(`${chunks}0\r\n\r\n`);
    });
    expect(statuses(answer)).toEqual(['400']);
    expect(Buffer.from(provider.requests[0]?.rawBody ?? []).toString()).toBe('x'.repeat(65_536));
  });

  test('that dribbles in is given up', async () => {
    const limits = { headersTimeoutMs: 50, requestTimeoutMs: 100, timeoutCheckMs: 25 };
    const { port, provider } = await listen({ limits });
    const answer = await exchange(port, (socket) => socket.write(`${head(['Content-Length: 100'])}{`));
    expect(statuses(answer)).toEqual(['408']);
    expect(provider.requests).toHaveLength(0);
  });

  test('with 20 kB of headers is refused by a problem', async () => {
    const { port, provider } = await listen();
    const answer = await exchange(port, (socket) =>
      socket.write(webhook(PATH, `X-Long: ${'x'.repeat(20_000)}`)),
    );
    expect(statuses(answer)).toEqual(['431']);
    expect(answer).toContain('application/problem+json');
    expect(provider.requests).toHaveLength(0);
  });

  test.each([
    ['PUT', PATH],
    ['POST', `${PATH}/`],
    ['POST', PATH.replace('/status', '/Status')],
    ['POST', `/x${PATH}`],
    ['POST', PATH.replace(ACCOUNT.id, 'x'.repeat(101))],
  ])('%s %s is none', async (method, path) => {
    const { port, provider } = await listen();
    const answer = await exchange(port, (socket) =>
      socket.write(webhook(path, 'Connection: close').replace('POST', method)),
    );
    expect(statuses(answer)).toEqual(['404']);
    expect(provider.requests).toHaveLength(0);
  });

  test('under way when the server closes is answered, and its connection ends with it', async () => {
    const { port, http, fake, closing } = await listen();
    const asked = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const account = fake.accounts.get(ACCOUNT.id);
    Object.assign(fake.app.providerAccounts, {
      byId: async () => {
        asked.resolve();
        await released.promise;
        return account;
      },
    });
    const answer = exchange(port, (socket) => socket.write(webhook()));
    await asked.promise;
    const closed = http.close();
    await closing;
    released.resolve();
    expect(await answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*^connection: close\r$/im);
    await closed;
  });
});
