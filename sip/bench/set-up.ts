import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Cost } from './sustained.ts';

const run = promisify(execFile);
const HERE = fileURLToPath(new URL('.', import.meta.url));
const EDGE_SCRIPT = path.join(HERE, '../scripts/edge');
const RELAY = path.join(HERE, 'relay.cfg');
/** Of the kernel's count of processor time. */
const TICK_MS = 10;

export interface SetUp {
  readonly name: string;
  readonly environment: NodeJS.ProcessEnv;
  /** calls a second to begin the search with */
  readonly first: number;
}

export const BARE: readonly SetUp[] = [
  { name: 'bare relay', environment: { EDGE_MAIN_FILE: RELAY }, first: 2_500 },
  {
    name: 'bare relay + look-up',
    environment: { EDGE_MAIN_FILE: RELAY, EDGE_WITH_LOOKUP: '1' },
    first: 2_500,
  },
];
export const FULL: readonly SetUp[] = [
  { name: 'full masking', environment: { EDGE_BENCH_WITHOUT_MASKLINE: '1' }, first: 950 },
  { name: 'full masking + look-up + reports', environment: {}, first: 950 },
];

/** What is to be stopped when this run is ended before its time: the edge would go on, and spoil the next. */
const running = new Set<() => Promise<unknown>>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => void stopAll().finally(() => process.exit(1)));
}
export function stopOnSignal(stop: () => Promise<unknown>): () => void {
  running.add(stop);
  return () => void running.delete(stop);
}
async function stopAll(): Promise<void> {
  await Promise.allSettled([...running].map((stop) => stop()));
}

/** The edge in one set-up, with the stub for Maskline. `cpuMs` is what both have used until now. */
export async function withEdge<T>(
  directory: string,
  environment: NodeJS.ProcessEnv,
  work: (cpuMs: () => Cost) => Promise<T>,
): Promise<T> {
  const stub: ChildProcess = spawn(process.execPath, [path.join(HERE, 'maskline-stub.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = stub.stdout ? await once(stub.stdout, 'data') : [''];
  const url = `http://127.0.50.1:${String(port).trim()}`;
  const runDirectory = path.join(directory, 'edge');
  const env = {
    ...process.env,
    ...{ EDGE_RUN_DIR: runDirectory, MASKLINE_URL: url, MASKLINE_API_KEY: 'bench' },
    ...{ MASKLINE_HOOK: `${url}/webhooks/sip/a/b`, MASKLINE_HOOK_PASSWORD: 'bench' },
    ...{ EDGE_CALLS_PER_SECOND: '100000', EDGE_SHARED_MEMORY_MB: '1024', EDGE_MEDIA_PORTS: '10000-64000' },
    ...environment,
  };
  const stop = async (): Promise<void> => {
    await run(EDGE_SCRIPT, ['stop'], { env });
    stub.kill();
  };
  const forget = stopOnSignal(stop);
  await run(EDGE_SCRIPT, ['start'], { env });
  try {
    return await work(() => ({ edge: edgeMs(runDirectory), stub: processMs(String(stub.pid)) }));
  } finally {
    await stop();
    if (stub.exitCode === null && stub.signalCode === null) await once(stub, 'exit');
    forget();
  }
}

/** The same of Kamailio and rtpengine, whose pids are in this directory. */
export function edgeMs(directory: string): number {
  const main = ['kamailio', 'rtpengine'].map((name) =>
    readFileSync(path.join(directory, `${name}.pid`), 'utf8').trim(),
  );
  const all = main.flatMap((pid) => [
    pid,
    ...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean),
  ]);
  return all.reduce((total, pid) => total + processMs(pid), 0);
}

/** CPU milliseconds that a process has used until now, all its threads together. */
export function processMs(pid: string): number {
  // The name in brackets may hold blanks, so the fields are counted from behind it: user and system time.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
