import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Bus } from '../src/bus/bus.ts';
import { person } from '../src/app/testing/world.ts';
import { listenWide } from '../src/http/listen-wide.ts';
import { createHttpServer } from '../src/http/server.ts';
import { ACCOUNT, createRealApp, type RealApp } from '../src/http/testing/real-app.ts';
import { outboxPublisher } from '../src/jobs/outbox-publisher.ts';
import { startJob } from '../src/jobs/job.ts';
import { encodeCloudEvent } from '../src/bus/cloud-events.ts';
import { systemClock } from '../src/lib/clock.ts';
import { systemRandom } from '../src/lib/random.ts';
import { createLog } from '../src/observe/log.ts';
import { createTwilioProvider } from '../src/providers/twilio/twilio-provider.ts';
import { openPostgres } from '../src/storage/postgres/open-postgres.ts';
import { openTestDatabase } from '../src/storage/testing/open-test-database.ts';
import { openTestPostgres } from '../src/storage/testing/open-test-postgres.ts';
import { AUTH_TOKEN, ACCOUNT_SID, type FloodCall, PUBLIC_URL } from './flood-request.ts';

/**
 * The service that `flood.ts` floods, in a process of its own so that its processor time can be told: the HTTP side as
 * in production, with a Twilio account and 900 sessions, on PostgreSQL or, with `embedded`, on PGlite. Beside it, on
 * another port, a bare `node:http` server that answers everybody alike: the floor.
 */
export type FloodServerOrder = 'usage' | 'backlog' | 'hang_up';
export interface FloodServerUsage {
  readonly cpuMicros: number;
  readonly logLines: number;
  readonly shed: number;
  readonly rssMiB: number;
  /** events that wait to be published */
  readonly outbox: number;
}
export interface FloodServerReady {
  readonly port: number;
  readonly barePort: number;
  readonly calls: readonly FloodCall[];
}

const SESSIONS = 900;
const NUMBERS = 20;
const BACKLOG = 100_000;
const LOT = 1_000;

const postgres = process.argv[2] === 'embedded' ? null : await openTestPostgres();
const database = postgres
  ? await openPostgres({
      connectionString: await postgres.createDatabase(),
      clock: systemClock,
      random: systemRandom,
    })
  : await openTestDatabase();
const real = await createRealApp(async () => database);
let logLines = 0;
const log = createLog({ level: 'info', destination: { write: () => void logLines++ } });
const app = { ...real.app, clock: systemClock, log };
let post: (url: string, payload: object) => Promise<Record<string, unknown>>;
const ports = { port: await serve(real), barePort: await serveBare() };
const calls = await openSessions();

let before = process.cpuUsage();
const orders: Record<FloodServerOrder, () => Promise<FloodServerUsage>> = {
  usage,
  // Nobody of these phones ever reports an end, and whoever has dialled all day would be told so instead.
  async hang_up() {
    await database.asOwner((owner) =>
      owner.execute(
        'truncate session_usage; update route set concurrent_calls_max = 1000, hourly_attempts_max = 1000',
      ),
    );
    return usage();
  },
  async backlog() {
    await fillOutbox();
    publish();
    return usage();
  },
};
process.on('message', async (order: FloodServerOrder) => process.send?.(await orders[order]()));
process.on('disconnect', () => void postgres?.stop().finally(() => process.exit(0)));
if (!postgres) process.on('disconnect', () => process.exit(0));
process.send?.({ ...ports, calls } satisfies FloodServerReady);

async function serve({ accounts }: RealApp): Promise<number> {
  const credentials = { accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN };
  const provider = createTwilioProvider({ settings: {}, credentials }, { clock: systemClock });
  accounts.set(ACCOUNT.id, { ...ACCOUNT, tenant: 'acme', provider, webhookBase: `${PUBLIC_URL}/webhooks` });
  const http = createHttpServer(app, {
    roles: { api: true, webhooks: true },
    publicUrl: PUBLIC_URL,
    trustedProxies: [],
    version: '0.0.0-bench',
    ready: async () => ({ ready: true, checks: {} }),
    watchesLoop: true,
  });
  const authorization = `Bearer ${await real.createKey()}`;
  post = async (url, payload) =>
    (await http.inject({ method: 'POST', url, headers: { authorization }, payload })).json();
  const listeners = process.env.FLOOD_LISTENERS;
  await listenWide(http, {
    ...{ host: '127.0.0.1', port: 0, clock: systemClock },
    ...(listeners === undefined ? {} : { listeners: Number(listeners) }),
  });
  return (http.server.address() as AddressInfo).port;
}

async function openSessions(): Promise<FloodCall[]> {
  await post('/v1/pools', { name: 'bench', mode: 'shared', concurrentCallsMax: 20, hourlyAttemptsMax: 200 });
  for (let n = 0; n < NUMBERS; n++) {
    const virtualNumber = `+1303555${String(100 + n).padStart(4, '0')}`;
    const providerAccount = ACCOUNT.name;
    await post('/v1/virtual-numbers', {
      ...{ virtualNumber, pool: 'bench', providerAccount, capabilities: ['voice'] },
    });
  }
  const calls: FloodCall[] = [];
  for (let n = 0; n < SESSIONS; n++) {
    const [customer, driver] = [person(n), person(1_000 + n)].map((number) => number.reveal());
    const people = { customer, driver };
    const session = await post('/v1/sessions', {
      ...{ pool: 'bench', reference: `order-${n}` },
      participants: Object.entries(people).map(([role, realNumber]) => ({ role, realNumber })),
    });
    const [aaa, ddd] = (session.participants as { virtualNumber: string }[]).map((one) => one.virtualNumber);
    if (customer && driver && aaa && ddd) calls.push([customer, ddd], [driver, aaa]);
  }
  return calls;
}

async function serveBare(): Promise<number> {
  const answer = '<?xml version="1.0" encoding="UTF-8"?><Response><Dial></Dial></Response>'.padEnd(500);
  const server = createServer((raw, response) => {
    raw
      .on('data', () => {})
      .on('end', () => {
        response.writeHead(200, ['content-type', 'text/xml', 'content-length', String(answer.length)]);
        response.end(answer);
      });
  });
  await new Promise<void>((resolve) =>
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve),
  );
  return (server.address() as AddressInfo).port;
}

async function usage(): Promise<FloodServerUsage> {
  const used = process.cpuUsage(before);
  before = process.cpuUsage();
  const { values } = await app.metrics.webhooksShed.get();
  const shed = values.reduce((sum, { value }) => sum + value, 0);
  const rssMiB = Math.round(process.memoryUsage.rss() / 2 ** 20);
  return {
    cpuMicros: used.user + used.system,
    logLines,
    shed,
    rssMiB,
    outbox: await app.storage.system.outboxSize(),
  };
}

/** As if the broker had been away. */
async function fillOutbox(): Promise<void> {
  const data = { pool: 'bench', sessionId: 'ses_1', reference: 'order-1' };
  for (let n = 0; n < BACKLOG; n += LOT) {
    const rows = Array.from({ length: LOT }, (_, i) => ({
      ...{ eventId: `evt_${n + i}`, occurredAt: systemClock.now() },
      event: { type: 'pool.exhausted' as const, key: `order-${i}`, data },
    }));
    await app.storage.run('acme', (s) => s.outboxAppend(rows));
  }
}

function publish(): void {
  const unused = (): never => {
    throw new Error('Nobody listens.');
  };
  const brokerOf5Ms: Bus = {
    publish: () => new Promise((resolve) => setTimeout(resolve, 5)),
    ...{ subscribe: unused, lag: unused, close: unused },
  };
  const job = outboxPublisher(app, {
    bus: brokerOf5Ms,
    topic: 'masking',
    holder: 'bench',
    encode: ({ eventId, occurredAt, event: { type, key, data } }) =>
      encodeCloudEvent({
        ...{ id: eventId, time: occurredAt, source: '/bench' },
        type,
        key,
        subject: key,
        data,
      }),
  });
  startJob(job, app);
}
