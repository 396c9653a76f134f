import type { AddressInfo } from 'node:net';
import { createHttpServer } from '../src/http/server.ts';
import { ACCOUNT, createRealApp } from '../src/http/testing/real-app.ts';
import { systemClock } from '../src/lib/clock.ts';
import { createLog } from '../src/observe/log.ts';
import { createTwilioProvider } from '../src/providers/twilio/twilio-provider.ts';
import { AUTH_TOKEN, ACCOUNT_SID, PUBLIC_URL } from './flood-request.ts';

/**
 * The service that `flood.ts` floods, in a process of its own so that its processor time can be told: the HTTP side as
 * in production on PGlite, with a Twilio account and one session. Answers `cpu` with what it used since the last time.
 */
const real = await createRealApp();
let logLines = 0;
const log = createLog({ level: 'info', destination: { write: () => void logLines++ } });
const app = { ...real.app, clock: systemClock, log };
const credentials = { accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN };
const provider = createTwilioProvider({ settings: {}, credentials }, { clock: systemClock });
real.accounts.set(ACCOUNT.id, {
  ...ACCOUNT,
  tenant: 'acme',
  provider,
  webhookBase: `${PUBLIC_URL}/webhooks`,
});
const http = createHttpServer(app, {
  roles: { api: true, webhooks: true },
  publicUrl: PUBLIC_URL,
  trustedProxies: [],
  version: '0.0.0-bench',
  ready: async () => ({ ready: true, checks: {} }),
});
const authorization = `Bearer ${await real.createKey()}`;
const post = async (url: string, payload: object): Promise<Record<string, unknown>> =>
  (await http.inject({ method: 'POST', url, headers: { authorization }, payload })).json();
await post('/v1/pools', { name: 'bench', concurrentCallsMax: 20, hourlyAttemptsMax: 200 });
for (const virtualNumber of ['+13035550100', '+13035550101']) {
  await post('/v1/virtual-numbers', {
    virtualNumber,
    pool: 'bench',
    providerAccount: ACCOUNT.name,
    capabilities: ['voice'],
  });
}
const session = await post('/v1/sessions', {
  pool: 'bench',
  reference: 'order-1',
  participants: [
    { role: 'customer', realNumber: '+12025550123' },
    { role: 'driver', realNumber: '+12025550145' },
  ],
});
const [, driver] = session.participants as { virtualNumber: string }[];
await http.listen({ host: '127.0.0.1', port: 0 });
const { port } = http.server.address() as AddressInfo;

let before = process.cpuUsage();
process.on('message', async () => {
  const used = process.cpuUsage(before);
  before = process.cpuUsage();
  const { values } = await app.metrics.webhooksShed.get();
  const shed = values.reduce((sum, { value }) => sum + value, 0);
  const rssMiB = Math.round(process.memoryUsage.rss() / 2 ** 20);
  process.send?.({ cpuMicros: used.user + used.system, logLines, shed, rssMiB });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port, dialled: driver?.virtualNumber });
