/**
 * What it costs to answer a Twilio answer webhook, against a bare `node:http` server that reads the same request
 * and returns the same status, headers and body. Four servers in one run, their rounds interleaved:
 *
 * - `bare`    node:http and nothing else: no signature, no routing, no log, no metric;
 * - `adapter` node:http with the Twilio adapter alone: signature, reading, TwiML, for a decision made before;
 * - `stub`    the whole HTTP side of Maskline with the Twilio adapter (`createHttpServer`): signature, route
 *             decision, unsealing of the destination, TwiML, log line, metrics; storage answers from memory;
 * - `pglite`  the same on a real database (PGlite in memory): the route look-up and the call record are SQL.
 *
 * Every request is another call, with its own CallSid and signature. The client runs in a worker thread.
 *
 *   node bench/twilio-answer.ts [--rounds 15] [--requests 3000] [--connections 16]
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import twilio from 'twilio';
import type { App, ProviderAccount } from '../src/app/app.ts';
import { routePlace } from '../src/app/route-place.ts';
import { toVirtualNumber, VirtualNumberState } from '../src/domain/virtual-number.ts';
import { createHttpServer } from '../src/http/server.ts';
import { createFakeApp } from '../src/http/testing/fake-app.ts';
import { ACCOUNT, createRealApp } from '../src/http/testing/real-app.ts';
import { invariant } from '../src/lib/assert.ts';
import { systemClock } from '../src/lib/clock.ts';
import { createLog } from '../src/observe/log.ts';
import { PhoneNumber } from '../src/privacy/phone-number.ts';
import { createTwilioProvider } from '../src/providers/twilio/twilio-provider.ts';
import type { FoundRoute, NewCall } from '../src/storage/storage.ts';
import type { LoadOrder, LoadReport } from './raw-load.ts';

const PUBLIC_URL = 'https://maskline.example';
const PATH = `/webhooks/twilio/${ACCOUNT.id}/${ACCOUNT.pathSecret}/answer`;
const ACCOUNT_SID = 'AC00000000000000000000000000000001';
const AUTH_TOKEN = '0123456789abcdef0123456789abcdef';
const CALLER = '+12025550123';
const CALLED_PERSON = '+447700900456';
/** PGlite answers fewer requests, and a round shall not take longer for that. */
const PGLITE_SHARE = 0.2;
const TARGET = 0.5;

type ServerName = 'bare' | 'adapter' | 'stub' | 'pglite';

interface MeasuredServer {
  readonly name: ServerName;
  readonly port: number;
  readonly dialled: string;
  readonly expectedBody: string;
  readonly requestsARound: number;
  close(): Promise<unknown>;
}

interface Measurement {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** microseconds of processor time of the thread that serves, for each request */
  readonly cpuMicros: number;
}

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    requests: { type: 'string', default: '3000' },
    connections: { type: 'string', default: '16' },
  },
});
const rounds = positive(options.rounds);
const requests = positive(options.requests);
const connections = positive(options.connections);

const client = new Worker(new URL('./raw-load.ts', import.meta.url));
let calls = 0;
const stub = await startStub();
const pglite = await startPglite();
const bare = await startBare(stub);
const adapter = await startAdapter(stub);
const servers = [bare, adapter, stub, pglite];
const measured: Record<ServerName, Measurement[]> = { bare: [], adapter: [], stub: [], pglite: [] };
try {
  for (const server of servers) await measure(server);
  for (let round = 0; round < rounds; round++) {
    // Another one begins each time, so that nobody always follows the same neighbour.
    for (let i = 0; i < servers.length; i++) {
      const server = servers[(round + i) % servers.length];
      if (server) measured[server.name].push(await measure(server));
    }
  }
  report();
} finally {
  await client.terminate();
  for (const server of servers) await server.close();
}

async function measure(server: MeasuredServer): Promise<Measurement> {
  const { port, dialled, expectedBody, requestsARound } = server;
  const bytes = Array.from({ length: requestsARound }, () => requestBytes(dialled));
  const before = process.threadCpuUsage();
  const { elapsedMs, latenciesMs } = await order({ port, requests: bytes, connections, expectedBody });
  const { user, system } = process.threadCpuUsage(before);
  return {
    perSecond: (requestsARound / elapsedMs) * 1_000,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    cpuMicros: (user + system) / requestsARound,
  };
}

function order(load: LoadOrder): Promise<LoadReport> {
  return new Promise((resolve, reject) => {
    client.once('message', (answer: { report?: LoadReport; error?: string }) => {
      if (answer.report) resolve(answer.report);
      else reject(new Error(answer.error));
    });
    client.postMessage(load);
  });
}

/** A webhook as Twilio sends it, signed by Twilio's own library. */
function requestBytes(dialled: string): Uint8Array {
  const fields = {
    AccountSid: ACCOUNT_SID,
    ApiVersion: '2010-04-01',
    CallSid: `CA${String(++calls).padStart(32, '0')}`,
    CallStatus: 'ringing',
    Called: dialled,
    Caller: CALLER,
    Direction: 'inbound',
    From: CALLER,
    FromCity: 'WASHINGTON',
    FromCountry: 'US',
    FromState: 'DC',
    FromZip: '',
    StirVerstat: 'TN-Validation-Passed-A',
    To: dialled,
    ToCity: 'DENVER',
    ToCountry: 'US',
    ToState: 'CO',
    ToZip: '',
  };
  const body = new URLSearchParams(fields).toString();
  const signature = twilio.getExpectedTwilioSignature(AUTH_TOKEN, PUBLIC_URL + PATH, fields);
  const head = [
    `POST ${PATH} HTTP/1.1`,
    'Host: maskline.example',
    'User-Agent: TwilioProxy/1.1',
    'Accept: */*',
    'Content-Type: application/x-www-form-urlencoded; charset=UTF-8',
    `X-Twilio-Signature: ${signature}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Reads the request to its end, and returns what Maskline returned for one like it, header by header. */
async function startBare(like: MeasuredServer): Promise<MeasuredServer> {
  const sample = await fetchSample(like);
  const body = Buffer.from(sample.body);
  const server = createServer((request, response) => {
    request.on('end', () => response.writeHead(200, sample.headers).end(body));
    request.resume();
  });
  return listenBare('bare', like, server);
}

async function startAdapter(like: MeasuredServer): Promise<MeasuredServer> {
  const { headers } = await fetchSample(like);
  const { provider, webhookBase } = account();
  const urls = {
    answer: `${webhookBase}/answer`,
    status: `${webhookBase}/status`,
    message: `${webhookBase}/message`,
  };
  const instruction = {
    decision: 'bridge',
    destination: number(CALLED_PERSON),
    callerId: virtual('+13035550101'),
    ringTimeoutSeconds: 25,
    maxCallSeconds: 3_600,
  } as const;
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const request = {
        method: incoming.method ?? '',
        url: PUBLIC_URL + incoming.url,
        headers: incoming.headers as Record<string, string>,
        rawBody: Buffer.concat(chunks),
        remoteAddress: '',
      };
      const asked =
        provider.isAuthentic(request) && provider.parseWebhook('answer', request).kind === 'answer';
      const { body } = provider.renderCall(asked ? instruction : { decision: 'reject' }, urls);
      response.writeHead(200, headers).end(body);
    });
  });
  return listenBare('adapter', like, server);
}

async function listenBare(name: ServerName, like: MeasuredServer, server: Server): Promise<MeasuredServer> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  return { ...like, name, port, requestsARound: requests, close };
}

async function startStub(): Promise<MeasuredServer> {
  const fake = createFakeApp();
  const caller = number(CALLER);
  const dialled = virtual('+13035550100');
  const keys = await fake.app.vault.keysOf('acme');
  const callerKey = keys.callerKey(caller);
  const participantKey = keys.createParticipantKey();
  const route: FoundRoute = {
    sessionId: 'ses_1',
    reference: 'order-1',
    callingParticipantId: 'par_1',
    callingRole: 'customer',
    calledParticipantId: 'par_2',
    calledRole: 'driver',
    callerId: virtual('+13035550101'),
    mode: 'voice_and_message',
    liveUntil: systemClock.now() + 86_400_000,
    ringTimeoutSeconds: 25,
    maxCallSeconds: 3_600,
    attestation: 'ignore',
    recordingConsent: null,
    attachments: false,
    maskNumbers: false,
    stepUp: 'none',
    concurrentCallsMax: 20,
    hourlyAttemptsMax: 200,
    totalTalkSecondsMax: 604_800,
    blocked: false,
    pool: 'bench',
    callingClass: 'US:mobile',
    calledClass: 'US:mobile',
    inGrace: false,
    sealedDestination: keys.sealNumber(number(CALLED_PERSON), routePlace(dialled, callerKey), participantKey),
    participantKey,
  };
  fake.override.routes = { lookup: async () => ({ numberKnown: true, route }) };
  fake.override.calls = {
    insert: async (call: NewCall) => ({ reason: call.reason, maxCallSeconds: call.maxCallSeconds }),
  };
  const app = productionLike(fake.app);
  fake.accounts.set(ACCOUNT.id, account());
  return listen('stub', app, dialled, requests, async () => {});
}

async function startPglite(): Promise<MeasuredServer> {
  const real = await createRealApp();
  real.accounts.set(ACCOUNT.id, account());
  const app = productionLike(real.app);
  const http = createHttpServer(app, serverOptions());
  const authorization = `Bearer ${await real.createKey()}`;
  const post = async (url: string, payload: object): Promise<Record<string, unknown>> => {
    const answer = await http.inject({ method: 'POST', url, headers: { authorization }, payload });
    invariant(answer.statusCode === 201, `${url} answered ${answer.statusCode} ${answer.body}`);
    return answer.json();
  };
  await post('/v1/pools', { name: 'bench' });
  await app.storage.transaction('acme', async ({ virtualNumbers }) => {
    for (let i = 100; i < 200; i++) {
      await virtualNumbers.insert({
        virtualNumber: virtual(`+13035550${i}`),
        pool: 'bench',
        providerAccount: ACCOUNT.name,
        providerNumberId: null,
        capabilities: ['voice', 'sms'],
        state: VirtualNumberState.InService,
        createdAt: app.clock.now(),
      });
    }
  });
  const session = await post('/v1/sessions', {
    pool: 'bench',
    reference: 'order-1',
    expiresInSeconds: 86_400,
    participants: [
      { role: 'customer', realNumber: CALLER },
      { role: 'driver', realNumber: CALLED_PERSON },
    ],
  });
  await http.close();
  const [, driver] = session.participants as { virtualNumber: string }[];
  invariant(driver, 'the session has no driver');
  const requestsARound = Math.ceil(requests * PGLITE_SHARE);
  return listen('pglite', app, driver.virtualNumber, requestsARound, () => real.close());
}

async function listen(
  name: ServerName,
  app: App,
  dialled: string,
  requestsARound: number,
  close: () => Promise<void>,
): Promise<MeasuredServer> {
  const http = createHttpServer(app, serverOptions());
  await http.listen({ host: '127.0.0.1', port: 0 });
  const { port } = http.server.address() as AddressInfo;
  const server = { name, port, dialled, requestsARound, expectedBody: '' };
  const { body } = await fetchSample(server);
  invariant(body.includes(`>${CALLED_PERSON}</Number>`), `${name} does not connect: ${body}`);
  return { ...server, expectedBody: body, close: () => http.close().then(close) };
}

/** What the product has and tests replace: the time of the machine, and a log at its usual level, written nowhere. */
function productionLike(app: App): App {
  return { ...app, clock: systemClock, log: createLog({ level: 'info', destination: { write: () => {} } }) };
}

function serverOptions(): Parameters<typeof createHttpServer>[1] {
  return {
    roles: { api: true, webhooks: true },
    publicUrl: PUBLIC_URL,
    trustedProxies: [],
    version: '0.0.0-bench',
    ready: async () => ({ ready: true, checks: {} }),
  };
}

function account(): ProviderAccount {
  const credentials = { accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN };
  const webhookBase = PUBLIC_URL + PATH.replace(/\/answer$/, '');
  const provider = createTwilioProvider({ settings: {}, credentials }, { clock: systemClock });
  return { ...ACCOUNT, tenant: 'acme', provider, webhookBase };
}

async function fetchSample(server: {
  readonly port: number;
  readonly dialled: string;
}): Promise<{ body: string; headers: Record<string, string> }> {
  const [head = '', body = ''] = Buffer.from(requestBytes(server.dialled)).toString().split('\r\n\r\n');
  const signature = /^X-Twilio-Signature: (.*)$/m.exec(head)?.[1] ?? '';
  const response = await fetch(`http://127.0.0.1:${server.port}${PATH}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signature },
    body,
  });
  const headers = Object.fromEntries(response.headers);
  // Written by node:http itself, for both.
  for (const name of ['date', 'connection', 'keep-alive']) delete headers[name];
  return { body: await response.text(), headers };
}

function report(): void {
  const cpu = os.cpus()[0]?.model ?? 'unknown processor';
  console.log(`Answering a Twilio answer webhook: ${rounds} interleaved rounds, ${connections} connections,`);
  console.log(
    `${requests} requests a round (pglite ${Math.ceil(requests * PGLITE_SHARE)}). Node ${process.version}, ${os.cpus().length} × ${cpu}.\n`,
  );
  console.log('Medians over the rounds, with the lowest and the highest:');
  for (const name of ['bare', 'adapter', 'stub', 'pglite'] as const) {
    const of = (pick: (one: Measurement) => number, digits: number): string =>
      spread(measured[name].map(pick), digits);
    console.log(
      `  ${name.padEnd(8)} ${of((one) => one.perSecond, 0)} requests/s   p50 ${of((one) => one.p50Ms, 2)} ms   ` +
        `p99 ${of((one) => one.p99Ms, 2)} ms   processor ${of((one) => one.cpuMicros, 0)} µs/request`,
    );
  }
  console.log('\nRatios to bare of the same round (1 would be free):');
  for (const name of ['adapter', 'stub', 'pglite'] as const) {
    const ratios = (pick: (one: Measurement) => number): number[] =>
      measured[name].map((one, round) => pick(one) / pick(measured.bare[round] ?? one));
    const throughput = ratios((one) => one.perSecond);
    const verdict = median(throughput) >= TARGET ? 'reached' : 'missed';
    console.log(
      `  ${name.padEnd(8)} requests/s ${spread(throughput, 3)}   processor time ${spread(
        ratios((one) => one.cpuMicros).map((ratio) => 1 / ratio),
        3,
      )}   target ${TARGET} of the requests/s: ${verdict}`,
    );
  }
}

function spread(values: readonly number[], digits: number): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}

function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values).sort(), 0.5);
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function positive(text: string): number {
  const value = Number(text);
  invariant(Number.isInteger(value) && value > 0, `${text} is no positive whole number`);
  return value;
}

function number(text: string): PhoneNumber {
  const parsed = PhoneNumber.parse(text);
  invariant(parsed, `${text} is no number`);
  return parsed;
}

function virtual(text: string): NonNullable<ReturnType<typeof toVirtualNumber>> {
  const parsed = toVirtualNumber(text);
  invariant(parsed, `${text} is no virtual number`);
  return parsed;
}
