import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { FloodOrder, FloodOutcome } from './flood-client.ts';
import { PATH } from './flood-request.ts';
import type { FloodServerOrder, FloodServerReady, FloodServerUsage } from './flood-server.ts';

/**
 * What genuine calls notice of floods (FLT-32, FLT-33, FLT-47, SEC-07): each figure beside a baseline of the same run. The
 * service, who floods and who asks are a process each, and share the processors; so the same floods go to a bare
 * `node:http` server of the service's process as well: what is lost there is the machine's share. Everything is sent
 * when it is due, whatever became of what was sent before, and its time counts from then.
 *
 * Run: node bench/flood.ts [seconds of each phase, default 8] [embedded]
 * On PGlite (`embedded`) a turn of the loop lasts as long as all statements that wait, and takes one new connection.
 */
const SECONDS = Number(process.argv[2] ?? 8);
const GENUINE_PER_SECOND = 50;
const FORGED_PER_SECOND = 5_000;
const SLOW_SOCKETS = 500;
const HERD = 2_000;
const SETTLED_MS = 30_000;
/** as many at once as a provider's proxies and ours have connections for */
const CONNECTIONS = 2_000;
const FORGED_CONNECTIONS = 64;

interface Phase {
  readonly genuine: FloodOutcome;
  readonly flood: FloodOutcome | null;
  readonly usage: FloodServerUsage;
}

const server = fork(new URL('flood-server.ts', import.meta.url), process.argv.slice(3));
const [{ port, barePort, calls }] = (await once(server, 'message')) as [FloodServerReady];
const [caller, flooder] = [0, 1].map(() => fork(new URL('flood-client.ts', import.meta.url))) as [
  ChildProcess,
  ChildProcess,
];
let asked = 0;
const at50 = { perSecond: GENUINE_PER_SECOND };
const forged = { kind: 'forged', perSecond: FORGED_PER_SECOND, connections: FORGED_CONNECTIONS } as const;

await phase('warming up', {}, { seconds: 3, perSecond: 300 });
const bareIdle = await phase('bare, idle', { port: barePort });
const bareFlood = await phase('bare, forged flood', { port: barePort, flood: forged });
const idle = await phase('idle', {});
const flood = await phase('forged flood', { flood: forged });
const wrongPath = await phase('flood, wrong path', { flood: { ...forged, kind: 'wrong_path' } });

const sockets = Array.from({ length: SLOW_SOCKETS }, (_, n) => slowSender(n));
const slow = await phase('slow sockets', {});
for (const stop of sockets) stop();

const full = await phase('as fast as it goes', {}, { perSecond: null, connections: 32 });
const capacity = full.genuine.connected / SECONDS;
const shedBefore = full.usage.shed;
const rush = await phase('rush', {}, { perSecond: Math.round(capacity * 3) });
const after = await phase('after it', {});
await tell('backlog');
const herd = await phase('herd, backlog', {}, { perSecond: HERD, seconds: 1 });
const settled = await settle();

const micros = ({ flood: of, usage }: Phase): string =>
  ((usage.cpuMicros - idle.usage.cpuMicros) / Math.max(1, of?.asked ?? 0)).toFixed(0);
console.log(`
p99 in a forged flood    ${ratio(flood, idle)} × idle (limit 2); bare server ${ratio(bareFlood, bareIdle)} × idle
forged, each             ${micros(flood)} µs of processor (limit 100), by a wrong path ${micros(wrongPath)}, bare ${micros(bareFlood)}; ${wrongPath.usage.logLines - idle.usage.logLines} log lines in all
p99 beside slow sockets  ${ratio(slow, idle)} × idle (limit 1.2), memory ${slow.usage.rssMiB - wrongPath.usage.rssMiB} MiB more (limit 64)
decided in a rush        ${(rush.genuine.connected / rush.genuine.asked).toFixed(2)} of ${Math.round(rush.genuine.asked / SECONDS)}/s, ${(rush.genuine.connected / SECONDS / capacity).toFixed(2)} of capacity (limit 0.5), ${rush.usage.shed - shedBefore} shed, ${rush.genuine.lost} lost
slowest in the rush      ${(rush.genuine.answeredMs.at(-1) ?? Number.NaN).toFixed(0)} ms since it was sent (limit 450), ${rush.genuine.answeredMs.filter((ms) => ms > 450).length} above; ${percentile(rush, 1).toFixed(0)} ms since it was due, with ${CONNECTIONS} connections
p99 after the rush       ${ratio(after, idle)} × idle
slowest in the herd      ${percentile(herd, 1).toFixed(0)} ms, ${herd.genuine.connected} of ${herd.genuine.asked} connected; p99 normal after ${settled} s (limit 30)`);
for (const child of [server, caller, flooder]) child.disconnect();

/** Genuine calls, and a flood beside them; the server's usage meanwhile. */
async function phase(
  name: string,
  beside: { readonly port?: number; readonly flood?: Pick<FloodOrder, 'kind' | 'perSecond' | 'connections'> },
  changed: Partial<FloodOrder> = {},
): Promise<Phase> {
  const common = { port: beside.port ?? port, calls, from: asked, seconds: SECONDS };
  const genuineOrder: FloodOrder = {
    ...common,
    kind: 'genuine',
    connections: CONNECTIONS,
    ...at50,
    ...changed,
  };
  await tell('hang_up');
  await tell('usage');
  const flooding = beside.flood ? ask(flooder, { ...common, ...beside.flood }) : null;
  const genuine = await ask(caller, genuineOrder);
  const other = await flooding;
  asked += genuine.asked;
  const usage = await tell('usage');
  const done = { genuine, flood: other, usage };
  console.log(
    `${name.padEnd(20)} ${genuine.connected} of ${genuine.asked} connected, ${genuine.neutral} neutral, ${genuine.lost} lost, ` +
      `p50 ${percentile(done, 0.5).toFixed(1)} ms, p99 ${percentile(done, 0.99).toFixed(1)} ms, slowest ${percentile(done, 1).toFixed(0)} ms; ` +
      `server ${(usage.cpuMicros / 1e6).toFixed(1)} s, caller ${(genuine.cpuMicros / 1e6).toFixed(1)} s` +
      (other
        ? `, flooder ${(other.cpuMicros / 1e6).toFixed(1)} s for ${other.asked}, ${other.lost} lost`
        : ''),
  );
  return done;
}

async function ask(client: ChildProcess, order: FloodOrder): Promise<FloodOutcome> {
  client.send(order);
  const [outcome] = (await once(client, 'message')) as [FloodOutcome];
  return outcome;
}

async function tell(order: FloodServerOrder): Promise<FloodServerUsage> {
  server.send(order);
  const [usage] = (await once(server, 'message')) as [FloodServerUsage];
  return usage;
}

/** Seconds until p99 of a second is at most twice what it is when idle; the backlog may last longer. */
async function settle(): Promise<number> {
  const startedAt = performance.now();
  const normal = 2 * percentile(idle, 0.99);
  while (performance.now() - startedAt < SETTLED_MS) {
    const second = await phase('after the herd', {}, { seconds: 1 });
    if (percentile(second, 0.99) <= normal) break;
  }
  return Math.round((performance.now() - startedAt) / 1_000);
}

/** Sends a byte now and then, and connects again when it is sent away. Returns what stops it. */
function slowSender(n: number): () => void {
  let stopped = false;
  let socket: Socket;
  const head = `POST ${PATH} HTTP/1.1\r\nHost: x\r\n`;
  const open = (): void => {
    socket = connect({ port, host: '127.0.0.1' });
    socket.write(n % 2 === 0 ? head : `${head}Content-Length: 1000\r\n\r\nF`);
    socket.on('error', () => {}).on('close', () => stopped || open());
    socket.resume();
  };
  open();
  const trickle = setInterval(() => socket.writable && socket.write(n % 2 === 0 ? 'X-A: b\r\n' : '.'), 1_000);
  return () => {
    stopped = true;
    clearInterval(trickle);
    socket.destroy();
  };
}

function percentile({ genuine: { latenciesMs } }: Phase, share: number): number {
  return latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(latenciesMs.length * share))] ?? 0;
}

function ratio(one: Phase, base: Phase): string {
  return (percentile(one, 0.99) / percentile(base, 0.99)).toFixed(2);
}
