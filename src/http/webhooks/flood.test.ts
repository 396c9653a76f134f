import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { SIGNATURE_HEADER } from '../testing/fake-provider.ts';
import { ACCOUNT } from '../testing/real-app.ts';
import { CUSTOMER } from '../testing/springfield.ts';
import { createTestServer, PUBLIC_URL } from '../testing/test-server.ts';
import { createWebhookTown, NEUTRAL, PATH, type WebhookTown } from '../testing/webhook-town.ts';

const FORGED = 2_000;
const SLOW_SOCKETS = 500;

let s: WebhookTown;

beforeAll(async () => {
  s = await createWebhookTown();
});
afterAll(() => s.close());
beforeEach(() => s.renewProvider());

const ask = (id: string, headers: Record<string, string> = {}) =>
  s.deliver(`${PATH}/answer`, { id, from: CUSTOMER, to: s.shown.driver }, { headers });

describe('a flood of forged webhooks (FLT-32)', () => {
  test('is refused one by one, and every genuine one beside it is answered', async () => {
    const before = s.logLines.length;
    const forged: Promise<{ statusCode: number }>[] = [];
    const genuine: Promise<{ statusCode: number; body: string }>[] = [];
    for (let n = 0; n < FORGED; n++) {
      forged.push(ask(`forged-${n}`, { [SIGNATURE_HEADER]: 'forged' }));
      if (n % 100 === 0) genuine.push(ask(`genuine-${n}`));
      if (n % 50 === 0) await Promise.all(forged.slice(-50));
    }
    expect(new Set((await Promise.all(forged)).map((answer) => answer.statusCode))).toEqual(new Set([403]));
    for (const answer of await Promise.all(genuine)) expect(answer.statusCode).toBe(200);
    const refused = s.logLines.slice(before).filter((line) => line.includes('A webhook was refused.'));
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThanOrEqual(20);
    expect(s.logLines.join('')).not.toContain('forged-1');
  });
});

describe('more questions than can be decided in time (FLT-33)', () => {
  test('are answered at once with the neutral sentence, and normally again afterwards', async () => {
    const hang = Promise.withResolvers<void>();
    const { run } = s.app.storage;
    let asked = 0;
    const storage = {
      ...s.app.storage,
      run: async (...args: Parameters<typeof run>) => {
        asked++;
        await hang.promise;
        return run(...args);
      },
    };
    const { http } = createTestServer({ ...s.app, storage } as typeof s.app);
    const question = (id: string) =>
      http.inject({
        method: 'POST',
        url: `${PATH}/answer`,
        headers: { [SIGNATURE_HEADER]: `${PUBLIC_URL}${PATH}/answer` },
        payload: JSON.stringify({ id, from: CUSTOMER, to: s.shown.driver }),
      });
    const waiting = Array.from({ length: 60 }, (_, n) => question(`waits-${n}`));
    await vi.waitUntil(() => asked === waiting.length, { timeout: 10_000 });
    await s.clock.advance(260);
    for (let n = 0; n < 100; n++) {
      const shed = await question(`shed-${n}`);
      expect([shed.statusCode, JSON.parse(shed.body)]).toEqual([200, NEUTRAL]);
    }
    expect(await shedSoFar()).toBe(100);
    expect(await recorded('shed-')).toBe(0);
    hang.resolve();
    for (const answer of await Promise.all(waiting)) expect(answer.statusCode).toBe(200);
    await question('afterwards');
    expect(await shedSoFar()).toBe(100);
    expect(await recorded('afterwards')).toBe(1);
  });
});

describe('slow senders (SEC-07)', () => {
  test('are sent away, and hold nobody up meanwhile', async () => {
    const { http } = createTestServer(s.app, {
      limits: { headersTimeoutMs: 1_000, requestTimeoutMs: 1_500, timeoutCheckMs: 100 },
    });
    onTestFinished(() => http.close());
    await http.listen({ host: '127.0.0.1', port: 0 });
    const { port } = http.server.address() as AddressInfo;
    const sockets = Array.from({ length: SLOW_SOCKETS }, (_, n) => slowSender(port, n % 2 === 0));
    await Promise.all(sockets.map(({ connected }) => connected));
    for (let n = 0; n < 50; n++) {
      const answer = await fetch(`http://127.0.0.1:${port}${PATH}/answer`, {
        method: 'POST',
        headers: { [SIGNATURE_HEADER]: `${PUBLIC_URL}${PATH}/answer` },
        body: JSON.stringify({ id: `honest-${n}`, from: CUSTOMER, to: s.shown.driver }),
      });
      expect(answer.status).toBe(200);
    }
    const received = await Promise.all(sockets.map(({ closed }) => closed));
    expect(received.filter((text) => text.startsWith('HTTP/1.1 408'))).toHaveLength(SLOW_SOCKETS);
  }, 30_000);

  test('and whoever does not know the path is refused before the body has come', async () => {
    const { http } = createTestServer(s.app);
    onTestFinished(() => http.close());
    await http.listen({ host: '127.0.0.1', port: 0 });
    const { port } = http.server.address() as AddressInfo;
    const socket = connect({ port, host: '127.0.0.1' });
    onTestFinished(() => void socket.destroy());
    const path = `/webhooks/fake/${ACCOUNT.id}/${'q'.repeat(22)}/answer`;
    socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{`);
    const first = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    expect(String(first)).toMatch(/^HTTP\/1\.1 403 /);
    // The connection serves the next one all the same, once the body has come.
    socket.write(`${' '.repeat(999)}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`);
    const next = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    expect(String(next)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('and headers of more than 16 kB are refused', async () => {
    const { http } = createTestServer(s.app);
    onTestFinished(() => http.close());
    await http.listen({ host: '127.0.0.1', port: 0 });
    const { port } = http.server.address() as AddressInfo;
    const socket = connect({ port, host: '127.0.0.1' });
    socket.write(`POST ${PATH}/answer HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(20_000)}\r\n\r\n`);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 431 /);
  });
});

async function shedSoFar(): Promise<number> {
  const { values } = await s.app.metrics.webhooksShed.get();
  return values.reduce((sum, { value }) => sum + value, 0);
}

/** Calls whose provider gave them such an id. */
async function recorded(prefix: string): Promise<number> {
  const calls = await s.app.storage.run('acme', (storage) =>
    storage.calls.list({ sessionId: null, reference: null }, { limit: 500, after: null }),
  );
  return calls.filter((call) => call.providerCallId.startsWith(prefix)).length;
}

/** Half of them never finish their headers, half never their body; each keeps sending a little. */
function slowSender(port: number, stopsInHeaders: boolean) {
  const socket = connect({ port, host: '127.0.0.1' });
  const head = `POST ${PATH}/answer HTTP/1.1\r\nHost: x\r\n`;
  const connected = new Promise<void>((resolve) => socket.on('connect', () => resolve()));
  socket.write(stopsInHeaders ? head : `${head}Content-Length: 1000\r\n\r\n{`);
  const trickle = setInterval(
    () => socket.writable && socket.write(stopsInHeaders ? 'X-A: b\r\n' : ' '),
    200,
  );
  const closed = text(socket).finally(() => clearInterval(trickle));
  return { connected, closed };
}

function text(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      received += part;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(received));
  });
}
