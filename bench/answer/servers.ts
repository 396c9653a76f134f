import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { App, ProviderAccount } from '../../src/app/app.ts';
import { PoolRules } from '../../src/app/pool-rules.ts';
import { StockWatch } from '../../src/app/stock-watch.ts';
import { SIMULATED_DESTINATIONS } from '../../src/domain/destination.ts';
import { toVirtualNumber } from '../../src/domain/virtual-number.ts';
import { createHttpServer, HTTP_LIMITS } from '../../src/http/server.ts';
import { readBody } from '../../src/http/webhooks/read-body.ts';
import { toWebhookRequest } from '../../src/http/webhooks/webhook-request.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { Signal } from '../../src/lib/signal.ts';
import { createLog } from '../../src/observe/log.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { PhoneNumber } from '../../src/privacy/phone-number.ts';
import { Vault } from '../../src/privacy/vault.ts';
import { createTwilioProvider } from '../../src/providers/twilio/twilio-provider.ts';
import type { Database } from '../../src/storage/sql/connection.ts';
import { createSqlStorage } from '../../src/storage/sql/sql-storage.ts';
import { ACCOUNT, TENANT } from './town.ts';

export const PUBLIC_URL = 'https://maskline.example';
export const PATH = `/webhooks/twilio/${ACCOUNT.id}/${ACCOUNT.pathSecret}/answer`;
export const ACCOUNT_SID = `AC${'1'.padStart(32, '0')}`;
export const AUTH_TOKEN = '0123456789abcdef0123456789abcdef';

export interface RunningServer {
  readonly port: number;
  close(): Promise<unknown>;
}

/** The product on a database, as main builds it, with its log at its usual level and written nowhere. */
export function createBenchApp(database: Database, masterKey: Uint8Array, gathers: boolean): App {
  const storage = createSqlStorage(database, { gathers });
  const account = twilioAccount();
  return {
    storage,
    vault: new Vault(masterKey, storage.keys, systemClock, systemRandom),
    clock: systemClock,
    random: systemRandom,
    log: createLog({ level: 'info', destination: { write: () => {} } }),
    metrics: createMetrics(),
    wake: { outbox: new Signal(), stock: new Signal(), pending: new Signal() },
    stockWatch: new StockWatch(),
    poolRules: new PoolRules({ storage, clock: systemClock }),
    destinationsDefault: SIMULATED_DESTINATIONS,
    profiles: { realNumberOf: async () => null },
    providerAccounts: {
      byId: async (id) => (id === account.id ? account : null),
      byName: async () => account,
    },
  };
}

export function twilioAccount(): ProviderAccount {
  const credentials = { accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN };
  const provider = createTwilioProvider({ settings: {}, credentials }, { clock: systemClock });
  const webhookBase = PUBLIC_URL + PATH.replace(/\/answer$/, '');
  return { ...ACCOUNT, tenant: TENANT, provider, webhookBase };
}

export async function serveMaskline(app: App): Promise<RunningServer> {
  const http = createHttpServer(app, {
    roles: { api: true, webhooks: true },
    publicUrl: PUBLIC_URL,
    trustedProxies: [],
    version: '0.0.0-bench',
    ready: async () => ({ ready: true, checks: {} }),
  });
  await http.listen({ host: '127.0.0.1', port: 0 });
  return { port: (http.server.address() as AddressInfo).port, close: () => http.close() };
}

/**
 * `node:http` with the Twilio adapter alone: signature, reading and TwiML, for a decision made before. What was read in one
 * turn of the event loop is answered at its end, as Maskline answers together the calls whose statement was shared: one
 * by one, each answer would wake the client up, which costs as much as the adapter does.
 */
export async function serveAdapter(headers: string[], account: ProviderAccount): Promise<RunningServer> {
  const { provider, webhookBase } = account;
  const urls = {
    answer: `${webhookBase}/answer`,
    status: `${webhookBase}/status`,
    message: `${webhookBase}/message`,
  };
  const destination = PhoneNumber.parse('+12025550123');
  const callerId = toVirtualNumber('+12025550199');
  if (!destination || !callerId) throw new Error('A number of the bench does not parse.');
  const instruction = {
    decision: 'bridge',
    destination,
    callerId,
    ringTimeoutSeconds: 25,
    maxCallSeconds: 3_600,
  } as const;
  let answers: (() => void)[] = [];
  const answerAll = (): void => {
    const ready = answers;
    answers = [];
    for (const answer of ready) answer();
  };
  const server = createServer((incoming, response) => {
    readBody(incoming, HTTP_LIMITS.bodyBytes, (read) => {
      const rawBody = read.kind === 'read' ? read.body : new Uint8Array();
      const request = toWebhookRequest(incoming, rawBody, PUBLIC_URL, '');
      const asked =
        provider.isAuthentic(request) && provider.parseWebhook('answer', request).kind === 'answer';
      const { body } = provider.renderCall(asked ? instruction : { decision: 'reject' }, urls);
      if (answers.push(() => response.writeHead(200, headers).end(body)) === 1) setImmediate(answerAll);
    });
  });
  return listen(server);
}

/** Reads a request to its end and returns these bytes: what `node:http` can do at the most. */
export async function serveBare(answer: { headers: string[]; body: string }): Promise<RunningServer> {
  const { headers, body } = answer;
  const server = createServer((request, response) => {
    request.on('end', () => response.writeHead(200, headers).end(body));
    request.resume();
  });
  return listen(server);
}

async function listen(server: Server): Promise<RunningServer> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const close = (): Promise<void> => new Promise((resolve) => void server.close(() => resolve()));
  return { port: (server.address() as AddressInfo).port, close };
}
