import { request as httpRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createFakeApp } from './testing/fake-app.ts';
import { createTestServer } from './testing/test-server.ts';

async function listen(options: Parameters<typeof createTestServer>[1] = {}) {
  const fake = createFakeApp();
  const { http } = createTestServer(fake.app, options);
  onTestFinished(() => http.close());
  await http.listen({ host: '127.0.0.1', port: 0 });
  const { port } = http.server.address() as AddressInfo;
  return { fake, port, key: fake.createKey() };
}

/** Sends bytes as they are, and gives what comes back until the server hangs up. */
function sendBytes(port: number, ...parts: readonly (string | Uint8Array)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      received += text;
    });
    socket.on('close', () => resolve(received)).on('error', reject);
    for (const part of parts) socket.write(part);
  });
}

const TEN_MEGABYTES = 10_000_000;

/** Sends a body whole, whatever comes back meanwhile, and gives the answer. */
function upload(port: number, headers: Record<string, string>): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', method: 'POST', path: '/v1/pools', headers, agent: false };
    const sending = httpRequest(options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        body += part;
      });
      sending.on('close', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sending.on('error', reject);
    sending.end(Buffer.alloc(TEN_MEGABYTES, 0x20));
  });
}

test.each([
  ['a length', { 'content-length': String(TEN_MEGABYTES) }],
  ['chunks', { 'transfer-encoding': 'chunked' }],
  ['chunks, and stays', { 'transfer-encoding': 'chunked', connection: 'keep-alive' }],
])(
  'a client that sends 10 MB with %s gets all of it off and reads why it was refused',
  async (_how, framing) => {
    const { port, key } = await listen();
    const headers = { 'content-type': 'application/json', ...framing };
    const refused = await upload(port, { authorization: `Bearer ${key}`, ...headers });
    const stranger = await upload(port, headers as Record<string, string>);
    expect(refused.status).toBe(413);
    expect(JSON.parse(refused.body).code).toBe('MASK_BODY_TOO_LARGE');
    expect(stranger.status).toBe(401);
  },
);

test('a request under way when the server closes is answered, and its connection ends with it', async () => {
  const fake = createFakeApp();
  const { http } = createTestServer(fake.app);
  const closing = Promise.withResolvers<void>();
  http.addHook('preClose', async () => closing.resolve());
  await http.listen({ host: '127.0.0.1', port: 0 });
  const { port } = http.server.address() as AddressInfo;
  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  fake.override.pools = {
    get: async () => {
      asked.resolve();
      await released.promise;
      return null;
    },
  };
  const head = `GET /v1/pools/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${fake.createKey()}\r\n\r\n`;
  const answer = sendBytes(port, head);
  await asked.promise;
  const closed = http.close();
  await closing.promise;
  released.resolve();
  const text = await answer;
  expect(text).toMatch(/^HTTP\/1.1 404 /);
  expect(text).toMatch(/^connection: close\r$/im);
  await closed;
});

test.each([
  ['no HTTP', 'HELLO\r\n\r\n', 400],
  ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
  [
    'a length and chunks',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['20 kB of headers', `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
])('%s is answered by a problem, and the connection ends', async (_what, bytes, status) => {
  const { port } = await listen();
  const answer = await sendBytes(port, bytes);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer).toContain('application/problem+json');
  const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')));
  expect(problem).toMatchObject({ status, code: 'MASK_INVALID_REQUEST' });
});

test('a request that dribbles in is given up', async () => {
  const { port } = await listen({
    limits: { headersTimeoutMs: 50, requestTimeoutMs: 100, timeoutCheckMs: 25 },
  });
  const head = 'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
  const slowHead = await sendBytes(port, head);
  const slowBody = await sendBytes(port, `${head}Content-Length: 10\r\n\r\n{`);
  for (const answer of [slowHead, slowBody]) expect(answer).toMatch(/^HTTP\/1.1 (404|408) /);
  expect(slowHead).toContain('408');
});
