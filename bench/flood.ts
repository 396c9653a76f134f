import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { PATH, question } from './flood-request.ts';

/**
 * What genuine calls notice of floods (FLT-32, FLT-33, SEC-07): each figure beside a baseline of the same run. Whoever
 * floods, whoever asks and the service share the processors, and the first two are one process: so genuine calls wait
 * for the flooder as well, and the figures are the worst that there can be.
 *
 * Run: node bench/flood.ts [seconds of each phase, default 8]
 */
const SECONDS = Number(process.argv[2] ?? 8);
const GENUINE_PER_SECOND = 50;
const FORGED_PER_SECOND = 5_000;
const SLOW_SOCKETS = 500;

interface Outcome {
  readonly ms: number;
  readonly status: number;
}
interface Usage {
  readonly cpuMicros: number;
  readonly logLines: number;
  readonly shed: number;
  readonly rssMiB: number;
}

const child = fork(new URL('flood-server.ts', import.meta.url));
const [{ port, dialled }] = (await once(child, 'message')) as [{ port: number; dialled: string }];
const genuineAgent = new Agent({ keepAlive: true, maxSockets: 2_000 });
const forgedAgent = new Agent({ keepAlive: true, maxSockets: 64 });

// Compiled, connected, and without the processor time of the start in the first figure.
await phase('warming up', async () => ({ genuine: await paced(GENUINE_PER_SECOND, 2, () => ask(true)) }));
const idle = await phase('idle', async () => ({
  genuine: await paced(GENUINE_PER_SECOND, SECONDS, () => ask(true)),
}));

const flood = await phase('forged flood', async () => {
  const forged = paced(FORGED_PER_SECOND, SECONDS, () => ask(false));
  return { genuine: await paced(GENUINE_PER_SECOND, SECONDS, () => ask(true)), other: await forged };
});
const forgedCount = flood.other.length;
const forgedMicros = (flood.usage.cpuMicros - idle.usage.cpuMicros) / forgedCount;
console.log(
  `forged: ${Math.round(forgedCount / SECONDS)}/s, ${forgedMicros.toFixed(0)} µs of processor each, ${flood.usage.logLines - idle.usage.logLines} log lines in all`,
);

const slow = await phase('slow sockets', async () => {
  const sockets = Array.from({ length: SLOW_SOCKETS }, (_, n) => slowSender(n));
  const genuine = await paced(GENUINE_PER_SECOND, SECONDS, () => ask(true));
  for (const stop of sockets) stop();
  return { genuine };
});

const full = await phase('as fast as it goes', async () => ({ genuine: await closedLoop(32) }));
const capacity = full.genuine.length / SECONDS;
const shedBefore = full.usage.shed;
const rush = await phase('rush', async () => ({
  genuine: await paced(capacity * 3, SECONDS, () => ask(true)),
}));
const decided = (rush.genuine.length - (rush.usage.shed - shedBefore)) / SECONDS;
const after = await phase('after it', async () => ({
  genuine: await paced(GENUINE_PER_SECOND, SECONDS, () => ask(true)),
}));

console.log(`\np99 in a forged flood    ${ratio(flood, idle)} × idle (limit 2)`);
console.log(
  `p99 beside slow sockets  ${ratio(slow, idle)} × idle (limit 1.2), memory ${slow.usage.rssMiB - flood.usage.rssMiB} MiB more (limit 64)`,
);
console.log(
  `decided in a rush        ${(decided / capacity).toFixed(2)} of capacity (limit 0.5); slowest ${percentile(rush.genuine, 1).toFixed(0)} ms as the client sees it`,
);
console.log(`p99 after the rush       ${ratio(after, idle)} × idle`);
child.disconnect();
genuineAgent.destroy();
forgedAgent.destroy();

interface Phase {
  readonly genuine: Outcome[];
  readonly other: Outcome[];
  readonly usage: Usage;
}

async function phase(
  name: string,
  work: () => Promise<{ genuine: Outcome[]; other?: Outcome[] }>,
): Promise<Phase> {
  const { genuine, other = [] } = await work();
  child.send('usage');
  const [usage] = (await once(child, 'message')) as [Usage];
  const answered = genuine.filter(({ status }) => status === 200).length;
  console.log(
    `${name.padEnd(20)} ${answered} of ${genuine.length} answered, p50 ${percentile(genuine, 0.5).toFixed(1)} ms, p99 ${percentile(genuine, 0.99).toFixed(1)} ms, shed so far ${usage.shed}`,
  );
  return { genuine, other, usage };
}

/** Begins so many a second whatever becomes of them, and waits for all. */
async function paced(perSecond: number, seconds: number, one: () => Promise<Outcome>): Promise<Outcome[]> {
  const startedAt = performance.now();
  const begun: Promise<Outcome>[] = [];
  while (performance.now() - startedAt < seconds * 1_000) {
    const due = ((performance.now() - startedAt) / 1_000) * perSecond;
    while (begun.length < due) begun.push(one());
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return Promise.all(begun);
}

async function closedLoop(concurrency: number): Promise<Outcome[]> {
  const until = performance.now() + SECONDS * 1_000;
  const outcomes: Outcome[] = [];
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (performance.now() < until) outcomes.push(await ask(true));
    }),
  );
  return outcomes;
}

function ask(genuine: boolean): Promise<Outcome> {
  const { body, signature } = question(dialled, genuine);
  const startedAt = performance.now();
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': body.length,
    'x-twilio-signature': signature,
  };
  const agent = genuine ? genuineAgent : forgedAgent;
  return new Promise((resolve) => {
    const done = (status: number): void => resolve({ status, ms: performance.now() - startedAt });
    request({ host: '127.0.0.1', port, method: 'POST', path: PATH, headers, agent }, (response) => {
      response.resume().on('end', () => done(response.statusCode ?? 0));
    })
      .on('error', () => done(0))
      .end(body);
  });
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

function percentile(outcomes: readonly Outcome[], share: number): number {
  const sorted = outcomes.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function ratio(one: Phase, base: Phase): string {
  return (percentile(one.genuine, 0.99) / percentile(base.genuine, 0.99)).toFixed(2);
}
