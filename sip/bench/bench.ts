import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Bench } from '../test/parts/bench.ts';
import { ALICE, DAVE, EDGE } from '../test/parts/party.ts';
import { calleeScenario, callerScenario } from './scenarios.ts';

// Four set-ups in one run on one machine: what a plain relay, the look-up, the masking and both together can carry.
// Then 50 calls a second against a real Maskline, for the delay that the look-up adds and for failed calls.
//
//   node sip/bench/bench.ts [seconds of the long run, 300] [rates | long | all] [part of the name of a set-up]

const run = promisify(execFile);
const HERE = fileURLToPath(new URL('.', import.meta.url));
const EDGE_SCRIPT = path.join(HERE, '../scripts/edge');
const STEP_SECONDS = 4;
const LONG_RATE = 50;
const COST_RATE = 400;
const COST_SECONDS = 5;
const [longSeconds = '300', part = 'all', only] = process.argv.slice(2);
const directory = path.join(tmpdir(), `maskline-sip-bench-${process.pid}`);
mkdirSync(directory, { recursive: true });
const say = (text: string): void => void process.stdout.write(`${text}\n`);

interface Outcome {
  readonly calls: number;
  readonly failed: number;
  readonly retransmissions: number;
  /** from INVITE to 180, in ms, ascending */
  readonly delays: readonly number[];
  /** what sipp said of the first call that failed */
  readonly why: string;
}

async function load(dialled: string, rate: number, seconds: number): Promise<Outcome> {
  const name = `uac-${rate}-${Date.now()}`;
  writeFileSync(path.join(directory, `${name}.xml`), callerScenario(dialled));
  writeFileSync(path.join(directory, 'uas.xml'), calleeScenario);
  const common = [
    '-nostdin',
    '-default_behaviors',
    'none',
    '-buff_size',
    '8388608',
    '-recv_timeout',
    '10000',
    '-max_socket',
    '10000',
  ];
  const callee = spawn('sipp', ['-sf', 'uas.xml', '-i', DAVE.address, '-p', '5060', ...common, EDGE], {
    cwd: directory,
    stdio: 'ignore',
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const calls = rate * seconds;
  const caller = spawn(
    'sipp',
    [
      ...[
        '-sf',
        `${name}.xml`,
        '-i',
        ALICE.address,
        '-p',
        '5060',
        '-r',
        String(rate),
        '-m',
        String(calls),
        '-l',
        String(rate * 20),
      ],
      ...[
        '-trace_stat',
        '-fd',
        '1',
        '-stf',
        `${name}.csv`,
        '-trace_err',
        '-trace_rtt',
        '-rtt_freq',
        '200',
        ...common,
        `${EDGE}:5060`,
      ],
    ],
    { cwd: directory, stdio: 'ignore' },
  );
  await once(caller, 'exit');
  callee.kill('SIGKILL');
  await once(callee, 'exit');
  const rows = readFileSync(path.join(directory, `${name}.csv`), 'utf8')
    .trim()
    .split('\n')
    .map((row) => row.split(';'));
  const [names = []] = rows;
  const last = rows.at(-1) ?? [];
  const column = (title: string): number => Number(last[names.indexOf(title)] ?? Number.NaN);
  const rtt = readdirSync(directory).find((file) => file.startsWith(`${name}_`) && file.endsWith('_rtt.csv'));
  const delays = rtt
    ? readFileSync(path.join(directory, rtt), 'utf8')
        .trim()
        .split('\n')
        .slice(1)
        .map((row) => Number(row.split(';')[1]))
        .sort((a, b) => a - b)
    : [];
  return {
    calls: column('SuccessfulCall(C)'),
    failed: calls - column('SuccessfulCall(C)'),
    retransmissions: column('Retransmissions(C)'),
    delays,
    why: readWhy(name),
  };
}

function readWhy(name: string): string {
  const file = readdirSync(directory).find(
    (each) => each.startsWith(`${name}_`) && each.endsWith('_errors.log'),
  );
  if (!file) return '';
  const text = readFileSync(path.join(directory, file), 'utf8');
  return ` (${text.slice(0, 600).replace(/\s+/g, ' ')})`;
}

/**
 * The highest rate that goes through whole: no failed call, and fewer than 1 in 100 repeated; one more try each. Upwards by
 * 30 % until it breaks (or downwards by 30 % until it holds), then twice the middle: known to 7 %.
 */
async function sustained(first: number): Promise<number> {
  let best = 0;
  let broken = Number.POSITIVE_INFINITY;
  for (let rate = first; best === 0 || broken === Number.POSITIVE_INFINITY; ) {
    if (await isWhole(rate)) best = rate;
    else broken = rate;
    rate = Math.round(best === rate ? rate * 1.3 : rate / 1.3);
    if (rate < 10) return 0;
  }
  for (let middles = 0; middles < 2; middles++) {
    const rate = Math.round(Math.sqrt(best * broken));
    if (await isWhole(rate)) best = rate;
    else broken = rate;
  }
  return best;
}

async function isWhole(rate: number): Promise<boolean> {
  // A broken run says the same twice, unless somebody else had the machine.
  for (let time = 0; time < 2; time++) {
    const outcome = await load('+441632960000', rate, STEP_SECONDS);
    say(`    ${rate}/s: ${outcome.failed} failed, ${outcome.retransmissions} retransmissions${outcome.why}`);
    const whole = outcome.failed === 0 && outcome.retransmissions < outcome.calls / 100;
    // What a broken run leaves behind would spoil the next.
    await new Promise((resolve) => setTimeout(resolve, whole ? 300 : 3_000));
    if (whole) return true;
  }
  return false;
}

/** CPU milliseconds that a call costs the edge, from the kernel's own count: it does not depend on who else is busy. */
async function cost(): Promise<number> {
  const before = cpuMs();
  const { calls } = await load('+441632960000', COST_RATE, COST_SECONDS);
  return (cpuMs() - before) / calls;
}

function cpuMs(): number {
  const main = ['kamailio', 'rtpengine'].map((name) =>
    readFileSync(path.join(directory, 'edge', `${name}.pid`), 'utf8').trim(),
  );
  const pids = main.flatMap((pid) => [
    pid,
    ...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean),
  ]);
  let ticks = 0;
  for (const pid of pids) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * 10;
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** What is to be stopped when this run is ended before its time: the edge would go on, and spoil the next. */
let clearUp: () => Promise<unknown> = async () => undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => void clearUp().finally(() => process.exit(1)));
}

async function withEdge<T>(environment: NodeJS.ProcessEnv, work: () => Promise<T>): Promise<T> {
  const stub: ChildProcess = spawn(process.execPath, [path.join(HERE, 'maskline-stub.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = stub.stdout ? await once(stub.stdout, 'data') : [''];
  const env = {
    ...process.env,
    ...{
      EDGE_RUN_DIR: path.join(directory, 'edge'),
      MASKLINE_URL: `http://127.0.50.1:${String(port).trim()}`,
      MASKLINE_API_KEY: 'bench',
    },
    ...{
      MASKLINE_HOOK: `http://127.0.50.1:${String(port).trim()}/webhooks/sip/a/b`,
      MASKLINE_HOOK_PASSWORD: 'bench',
    },
    ...{
      EDGE_CALLS_PER_SECOND: '100000',
      EDGE_SHARED_MEMORY_MB: '1024',
      EDGE_MEDIA_PORTS: '10000-64000',
      ...environment,
    },
  };
  const stop = async (): Promise<void> => {
    await run(EDGE_SCRIPT, ['stop'], { env });
    stub.kill();
  };
  clearUp = stop;
  await run(EDGE_SCRIPT, ['start'], { env });
  try {
    return await work();
  } finally {
    await stop();
    if (stub.exitCode === null && stub.signalCode === null) await once(stub, 'exit');
    clearUp = async () => undefined;
  }
}

const relay = path.join(HERE, 'relay.cfg');
// The rates to begin with.
const MANY = 2_500;
const FEW = 500;
const SETUPS = [
  ['bare relay', { EDGE_MAIN_FILE: relay }, MANY],
  ['bare relay + look-up', { EDGE_MAIN_FILE: relay, EDGE_WITH_LOOKUP: '1' }, MANY],
  ['full masking', { EDGE_BENCH_WITHOUT_MASKLINE: '1' }, FEW],
  ['full masking + look-up + reports', {}, FEW],
] as const;

say(
  `${cpus().length} cores (${cpus()[0]?.model ?? '?'}), load before: ${loadavg()
    .map((each) => each.toFixed(2))
    .join(' ')}`,
);
if (part !== 'long') {
  const measured: { rate: number; ms: number }[] = [];
  for (const [name, environment, first] of SETUPS) {
    if (only !== undefined && !name.includes(only)) continue;
    const one = await withEdge(environment, async () => ({ ms: await cost(), rate: await sustained(first) }));
    measured.push(one);
    say(`  ${name}: ${one.rate} calls/s, ${one.ms.toFixed(2)} ms of CPU a call`);
  }
  const [bare, bareLookup, full, fullLookup] = measured;
  if (bare && bareLookup && full && fullLookup) {
    const ratio = (a: number, b: number): string => (a / b).toFixed(2);
    say(
      `look-up on a bare relay, aim 0.6: ${ratio(bareLookup.rate, bare.rate)} by rate, ${ratio(bare.ms, bareLookup.ms)} by CPU`,
    );
    say(
      `look-up and reports on full masking, aim 0.8: ${ratio(fullLookup.rate, full.rate)} by rate, ${ratio(full.ms, fullLookup.ms)} by CPU`,
    );
  }
}
if (part !== 'rates') {
  const without = await withEdge({ EDGE_BENCH_WITHOUT_MASKLINE: '1' }, () =>
    load('+441632960000', LONG_RATE, 20),
  );
  const bench = await Bench.start(
    { EDGE_CALLS_PER_SECOND: '400', EDGE_SHARED_MEMORY_MB: '512' },
    { direct: true },
  );
  clearUp = () => bench.stop();
  const { ddd } = await bench.session();
  const long = await load(ddd, LONG_RATE, Number(longSeconds));
  await bench.stop();
  say(
    `${LONG_RATE} calls/s for ${longSeconds} s against Maskline: ${long.calls} calls, ${long.failed} failed, ${long.retransmissions} retransmissions${long.why}`,
  );
  for (const share of [0.5, 0.99]) {
    const [one, other] = [percentile(without.delays, share), percentile(long.delays, share)];
    say(
      `  INVITE to 180, p${share * 100}: ${one.toFixed(1)} ms without, ${other.toFixed(1)} ms with the look-up: ${(other - one).toFixed(1)} ms added`,
    );
  }
}
say(
  `load after: ${loadavg()
    .map((each) => each.toFixed(2))
    .join(' ')}`,
);
rmSync(directory, { recursive: true, force: true });
