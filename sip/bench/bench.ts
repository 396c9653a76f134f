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
//   node sip/bench/bench.ts [seconds of the long run, 300] [rates | long | all]

const run = promisify(execFile);
const HERE = fileURLToPath(new URL('.', import.meta.url));
const EDGE_SCRIPT = path.join(HERE, '../scripts/edge');
const STEP_SECONDS = 6;
const LONG_RATE = 50;
const COST_RATE = 100;
const COST_SECONDS = 12;
const [longSeconds = '300', part = 'all'] = process.argv.slice(2);
const directory = path.join(tmpdir(), `maskline-sip-bench-${process.pid}`);
mkdirSync(directory, { recursive: true });
const say = (text: string): void => void process.stdout.write(`${text}\n`);

interface Outcome {
  readonly calls: number;
  readonly failed: number;
  readonly retransmissions: number;
  /** from INVITE to 180, in ms, ascending */
  readonly delays: readonly number[];
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
  };
}

/** The highest rate that goes through whole: no failed call, and fewer than 1 in 100 repeated; one more try each. */
async function sustained(rates: readonly number[]): Promise<number> {
  let best = 0;
  // Upwards: what a broken run leaves behind would spoil the next.
  for (const rate of rates) {
    let whole = false;
    for (let time = 0; time < 2 && !whole; time++) {
      const outcome = await load('+441632960000', rate, STEP_SECONDS);
      whole = outcome.failed === 0 && outcome.retransmissions < outcome.calls / 100;
      say(`    ${rate}/s: ${outcome.failed} failed, ${outcome.retransmissions} retransmissions`);
      await new Promise((resolve) => setTimeout(resolve, whole ? 500 : 6_000));
    }
    if (!whole) break;
    best = rate;
  }
  return best;
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
  await run(EDGE_SCRIPT, ['start'], { env });
  try {
    return await work();
  } finally {
    await run(EDGE_SCRIPT, ['stop'], { env });
    stub.kill();
    await once(stub, 'exit');
  }
}

const relay = path.join(HERE, 'relay.cfg');
const many = [250, 500, 1_000, 1_500, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000];
const few = [50, 100, 150, 200, 300, 400, 500, 600, 700, 800, 900, 1_000];
const SETUPS = [
  ['bare relay', { EDGE_MAIN_FILE: relay }, many],
  ['bare relay + look-up', { EDGE_MAIN_FILE: relay, EDGE_WITH_LOOKUP: '1' }, many],
  ['full masking', { EDGE_BENCH_WITHOUT_MASKLINE: '1' }, few],
  ['full masking + look-up + reports', {}, few],
] as const;

say(
  `${cpus().length} cores (${cpus()[0]?.model ?? '?'}), load before: ${loadavg()
    .map((each) => each.toFixed(2))
    .join(' ')}`,
);
if (part !== 'long') {
  const measured: { rate: number; ms: number }[] = [];
  for (const [name, environment, list] of SETUPS) {
    const one = await withEdge(environment, async () => ({ ms: await cost(), rate: await sustained(list) }));
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
  const { ddd } = await bench.session();
  const long = await load(ddd, LONG_RATE, Number(longSeconds));
  await bench.stop();
  say(
    `${LONG_RATE} calls/s for ${longSeconds} s against Maskline: ${long.calls} calls, ${long.failed} failed, ${long.retransmissions} retransmissions`,
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
