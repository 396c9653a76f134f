import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../src/lib/clock.ts';
import { ManualClock } from '../src/lib/manual-clock.ts';
import { systemRandom } from '../src/lib/random.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from './start-simulator.ts';

const SECRET = 'a secret that the account and the operator share';
const CUSTOMER = '+12025550101';
const DRIVER = '+12025550102';

const CHILD = `
  const { startSimulator } = await import(${JSON.stringify(new URL('./start-simulator.ts', import.meta.url).href)});
  const { systemClock } = await import(${JSON.stringify(new URL('../src/lib/clock.ts', import.meta.url).href)});
  const { systemRandom } = await import(${JSON.stringify(new URL('../src/lib/random.ts', import.meta.url).href)});
  const options = { ...JSON.parse(process.env.OPTIONS), clock: systemClock, random: systemRandom };
  console.log((await startSimulator(options)).url);
`;

interface Received {
  readonly request: IncomingMessage;
  readonly body: string;
}

/** The account's side: records what it is asked, and answers with what `answer` says. */
class Account {
  readonly received: Received[] = [];
  answer: (path: string) => unknown = () => ({ action: 'reject' });
  readonly #server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.received.push({ request, body: Buffer.concat(chunks).toString('utf8') });
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(this.answer(request.url ?? '')));
  });

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hooks/secret-path`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

let account: Account;
let options: SimulatorOptions;
let simulator: Simulator;

beforeEach(async () => {
  account = new Account();
  options = {
    host: '127.0.0.1',
    port: 0,
    stateFile: null,
    clock: systemClock,
    random: systemRandom,
    account: { webhookBase: await account.start(), sharedSecret: SECRET },
  };
  simulator = await startSimulator(options);
});

afterEach(async () => {
  await simulator.stop();
  account.stop();
});

interface Answer {
  readonly status: number;
  readonly type: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: the test says what it expects of the JSON that comes
  readonly body: any;
}

async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(simulator.url + path, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  });
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: text && JSON.parse(text),
  };
}

/** Buys two numbers: the first stands for the driver, the second for the customer. */
async function buyTwo(): Promise<[string, string]> {
  const { body } = await ask('GET', '/numbers/available?country=US&limit=2');
  const [forDriver, forCustomer] = body.data.map((each: { virtualNumber: string }) => each.virtualNumber);
  for (const virtualNumber of [forDriver, forCustomer]) {
    expect((await ask('POST', '/numbers', { virtualNumber })).status).toBe(201);
  }
  account.answer = (path) =>
    path.endsWith('/message')
      ? { action: 'deliver', to: DRIVER, from: forCustomer, body: 'Hello' }
      : { action: 'connect', to: DRIVER, callerId: forCustomer, ringTimeoutSeconds: 25, maxCallSeconds: 600 };
  return [forDriver, forCustomer];
}

describe('numbers', () => {
  it('are searched, bought, listed and given back', async () => {
    const [first, second] = await buyTwo();
    const listed = await ask('GET', '/numbers');
    expect(listed.body.nextCursor).toBeNull();
    expect(listed.body.data).toMatchObject([{ virtualNumber: first }, { virtualNumber: second }]);
    expect(listed.body.data[0]).toMatchObject({
      country: 'US',
      capabilities: ['voice', 'sms'],
      answerUrl: `${options.account.webhookBase}/answer`,
    });
    const page = await ask('GET', '/numbers?limit=1');
    expect(page.body.nextCursor).toBe(first);
    const next = await ask('GET', `/numbers?limit=1&cursor=${encodeURIComponent(first)}`);
    expect(next.body.data).toMatchObject([{ virtualNumber: second }]);
    expect((await ask('DELETE', `/numbers/${encodeURIComponent(first)}`)).status).toBe(204);
    expect((await ask('DELETE', `/numbers/${second}`)).status).toBe(204);
    expect((await ask('DELETE', `/numbers/${second}`)).body.code).toBe('NUMBER_NOT_HELD');
  });

  it('offer twenty of every country unless something else is asked', async () => {
    expect((await ask('GET', '/numbers/available')).body.data).toHaveLength(20);
    expect((await ask('GET', '/numbers/available?limit=1000&country=FR')).body.data).toHaveLength(1_000);
    expect((await ask('GET', '/numbers/available?country=ZZ')).body.data).toEqual([]);
    expect((await ask('GET', '/numbers/available?country=&limit=3')).body.data).toHaveLength(3);
  });

  it('may be sold although the buyer does not hear of it', async () => {
    await ask('PUT', '/faults', { loseSellAnswers: 1 });
    const { body } = await ask('GET', '/numbers/available?limit=12');
    let resets = 0;
    for (const { virtualNumber } of body.data) {
      const outcome = await ask('POST', '/numbers', { virtualNumber }).catch(() => null);
      if (outcome === null) resets++;
      else expect(outcome.status).toBe(500);
    }
    expect((await ask('GET', '/numbers')).body.data).toHaveLength(12);
    // Each is lost either way with probability one half: all twelve alike is one run in 2,048.
    expect([0, 12]).not.toContain(resets);
  });
});

describe('a call over HTTP', () => {
  it('is asked about with a signature over method, path, time and body', async () => {
    const [forDriver] = await buyTwo();
    const call = await ask('POST', '/calls', { from: CUSTOMER, to: forDriver });
    expect(call.status).toBe(201);
    const received = account.received[0];
    const { headers, method, url } = received?.request ?? {};
    const timestamp = String(headers?.['x-simulator-timestamp']);
    const signed = `${method}\n${url}\n${timestamp}\n${received?.body}`;
    const expected = createHmac('sha256', SECRET).update(signed).digest('hex');
    expect(headers?.['x-simulator-signature']).toBe(`v1=${expected}`);
    expect(Math.abs(Number(timestamp) * 1_000 - Date.now())).toBeLessThan(5_000);
    expect(url).toBe('/hooks/secret-path/answer');
    expect(JSON.parse(received?.body ?? '')).toEqual({
      callId: call.body.callId,
      from: CUSTOMER,
      to: forDriver,
    });
  });

  it('rings, is answered, ends, and is on record', async () => {
    const [forDriver, forCustomer] = await buyTwo();
    const { body: call } = await ask('POST', '/calls', { from: CUSTOMER, to: forDriver });
    expect(call).toEqual({
      callId: call.callId,
      state: 'ringing',
      heard: null,
      bLeg: { to: DRIVER, callerId: forCustomer },
    });
    expect((await ask('POST', `/calls/${call.callId}/answer`)).body.state).toBe('answered');
    expect((await ask('POST', `/calls/${call.callId}/hangup`, '')).body.state).toBe('ended');
    const record = await ask('GET', `/calls/${call.callId}`);
    expect(record.body).toMatchObject({
      from: CUSTOMER,
      to: forDriver,
      durationSeconds: 0,
      termination: 'completed',
    });
    expect(record.body.startedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('carries a message', async () => {
    const [forDriver, forCustomer] = await buyTwo();
    const { body } = await ask('POST', '/messages', { from: CUSTOMER, to: forDriver, body: 'Hello' });
    expect(body).toMatchObject({
      state: 'delivered',
      delivered: { to: DRIVER, from: forCustomer, body: 'Hello' },
    });
  });
});

describe('a phone over HTTP', () => {
  it('streams a snapshot, then what happens', async () => {
    const [forDriver, forCustomer] = await buyTwo();
    const leaving = new AbortController();
    const stream = await fetch(`${simulator.url}/phones/${encodeURIComponent(DRIVER)}/events`, {
      signal: leaving.signal,
    });
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    const { body: call } = await ask('POST', '/calls', { from: CUSTOMER, to: forDriver });
    let text = '';
    for await (const chunk of stream.body ?? []) {
      text += Buffer.from(chunk).toString('utf8');
      if (text.includes('event: call')) break;
    }
    leaving.abort();
    expect(text.indexOf('event: snapshot')).toBeLessThan(text.indexOf('event: call'));
    expect(text).toContain(`"callId":"${call.callId}","state":"ringing"`);
    expect(text).toContain(`"callerId":"${forCustomer}"`);
    expect(text).not.toContain(CUSTOMER);
    expect((await ask('GET', `/phones/${DRIVER}`)).body.calls).toHaveLength(1);
  });
});

describe('a watcher of a phone', () => {
  it('is kept awake by a comment every fifteen seconds', async () => {
    await simulator.stop();
    const clock = new ManualClock();
    simulator = await startSimulator({ ...options, clock });
    const leaving = new AbortController();
    const stream = await fetch(`${simulator.url}/phones/${DRIVER}/events`, { signal: leaving.signal });
    let text = '';
    for await (const chunk of stream.body ?? []) {
      text += Buffer.from(chunk).toString('utf8');
      if (text.includes(': still here')) break;
      if (text.includes('snapshot')) clock.advance(15_000);
    }
    leaving.abort();
    expect(text.endsWith(': still here\n\n')).toBe(true);
  });
});

describe('bad requests', () => {
  it.each([
    ['POST', '/calls', { from: CUSTOMER }, 400, 'INVALID_REQUEST'],
    ['POST', '/calls', { from: CUSTOMER, to: DRIVER, colour: 'red' }, 400, 'INVALID_REQUEST'],
    ['POST', '/calls', { from: 12025550101, to: DRIVER }, 400, 'INVALID_REQUEST'],
    ['POST', '/calls', { from: 'anonymous', to: DRIVER }, 400, 'INVALID_REQUEST'],
    ['POST', '/calls', { from: CUSTOMER, to: DRIVER, withheld: 'yes' }, 400, 'INVALID_REQUEST'],
    ['POST', '/calls', '{', 400, 'INVALID_REQUEST'],
    ['POST', '/calls', '[]', 400, 'INVALID_REQUEST'],
    ['POST', '/calls', undefined, 400, 'INVALID_REQUEST'],
    ['POST', '/calls', { from: 'x'.repeat(70_000) }, 413, 'BODY_TOO_LARGE'],
    ['POST', '/calls/call_1/answer', undefined, 404, 'CALL_NOT_FOUND'],
    ['POST', '/calls/call_1/hangup', { by: 'nobody' }, 400, 'INVALID_REQUEST'],
    ['GET', '/calls/call_1', undefined, 404, 'CALL_NOT_FOUND'],
    ['POST', '/numbers', { virtualNumber: CUSTOMER }, 404, 'NUMBER_NOT_ON_SALE'],
    ['POST', '/numbers', { virtualNumber: '+12035550100', answerUrl: 'ftp://x' }, 400, 'INVALID_REQUEST'],
    ['GET', '/numbers/available?limit=0', undefined, 400, 'INVALID_REQUEST'],
    ['GET', '/numbers/available?limit=1001', undefined, 400, 'INVALID_REQUEST'],
    ['GET', '/numbers/available?limit=ten', undefined, 400, 'INVALID_REQUEST'],
    ['GET', '/numbers/available?country=usa', undefined, 400, 'INVALID_REQUEST'],
    ['GET', '/numbers?page=2', undefined, 400, 'INVALID_REQUEST'],
    ['GET', '/phones/driver', undefined, 400, 'INVALID_REQUEST'],
    ['POST', '/messages', { from: CUSTOMER, to: DRIVER, body: '' }, 400, 'INVALID_REQUEST'],
    ['POST', '/messages', { from: CUSTOMER, to: DRIVER, body: 'x'.repeat(1_601) }, 400, 'INVALID_REQUEST'],
    ['PUT', '/faults', { loseCallbacks: 2 }, 400, 'INVALID_REQUEST'],
    ['PUT', '/faults', { loseCalbacks: 1 }, 400, 'INVALID_REQUEST'],
    ['GET', '/nothing', undefined, 404, 'NOT_FOUND'],
  ])('%s %s is answered with a problem (case %#)', async (method, path, body, status, code) => {
    const answer = await ask(method, path, body);
    expect(answer).toMatchObject({ status, body: { status, code } });
    expect(answer.type).toContain('application/problem+json');
    expect(answer.body.detail.length).toBeGreaterThan(10);
  });

  it('names a field that nobody knows', async () => {
    const { body } = await ask('PUT', '/faults', { loseCalbacks: 1 });
    expect(body.detail).toBe('body must not have additional properties: loseCalbacks is not known.');
  });

  it('refuses a body that is not JSON', async () => {
    const response = await fetch(`${simulator.url}/calls`, { method: 'POST', body: 'from=1' });
    expect(response.status).toBe(415);
  });
});

it('tells a visitor what it is', async () => {
  const response = await fetch(simulator.url);
  expect(response.headers.get('content-type')).toContain('text/plain');
  const text = await response.text();
  for (const path of ['/numbers/available', '/calls', '/messages', '/phones/{e164}', '/faults']) {
    expect(text).toContain(path);
  }
});

describe('faults', () => {
  it('are replaced as a whole', async () => {
    const set = await ask('PUT', '/faults', { answerDelayMs: 5, busyPhones: [DRIVER] });
    expect(set.body).toMatchObject({ answerDelayMs: 5, busyPhones: [DRIVER], loseCallbacks: 0 });
    await ask('PUT', '/faults', { duplicateCallbacks: 1 });
    expect((await ask('GET', '/faults')).body).toMatchObject({
      answerDelayMs: 0,
      duplicateCallbacks: 1,
      busyPhones: [],
    });
  });
});

describe('the state file', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'simulator-'));
    await simulator.stop();
    options = { ...options, stateFile: join(directory, 'simulator.db') };
    simulator = await startSimulator(options);
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('keeps numbers, calls and messages over a restart', async () => {
    const [forDriver] = await buyTwo();
    const { body: call } = await ask('POST', '/calls', { from: CUSTOMER, to: forDriver });
    await ask('POST', '/messages', { from: CUSTOMER, to: forDriver, body: 'Hello' });
    await simulator.stop();
    simulator = await startSimulator(options);
    expect((await ask('GET', '/numbers')).body.data).toHaveLength(2);
    expect((await ask('GET', `/calls/${call.callId}`)).body).toMatchObject({
      state: 'ended',
      termination: 'failed',
    });
    expect((await ask('GET', `/phones/${DRIVER}`)).body).toMatchObject({
      calls: [{ direction: 'incoming' }],
      messages: [{ direction: 'incoming', body: 'Hello' }],
    });
  });

  it('survives a kill', async () => {
    await simulator.stop();
    const child = spawn(process.execPath, ['--input-type=module', '--eval', CHILD], {
      env: { ...process.env, OPTIONS: JSON.stringify({ ...options, clock: null, random: null }) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(child.stdout, 'data');
    simulator = { url: String(line).trim(), stop: async () => undefined };
    const [forDriver] = await buyTwo();
    const { body: call } = await ask('POST', '/calls', { from: CUSTOMER, to: forDriver });
    child.kill('SIGKILL');
    await once(child, 'exit');
    simulator = await startSimulator(options);
    expect((await ask('GET', '/numbers')).body.data).toHaveLength(2);
    expect((await ask('GET', `/calls/${call.callId}`)).body).toMatchObject({
      state: 'ended',
      termination: 'failed',
    });
  });

  it('is used by one operator at a time', async () => {
    await expect(startSimulator(options)).rejects.toThrow(/another process uses it/);
  });
});

describe('starting and stopping', () => {
  it('says which port is taken', async () => {
    const port = Number(new URL(simulator.url).port);
    await expect(startSimulator({ ...options, port })).rejects.toMatchObject({ code: 'EADDRINUSE', port });
  });

  it('stops once, however often it is asked to', async () => {
    await Promise.all([simulator.stop(), simulator.stop()]);
    await expect(fetch(`${simulator.url}/healthz`)).rejects.toThrow();
  });
});
