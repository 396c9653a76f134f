import { mkdirSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Bench } from '../test/parts/bench.ts';
import { ANYBODY, openCallers } from './callers.ts';
import { type Delays, delaysDuring, percentile } from './delay.ts';
import { load, type Outcome } from './load.ts';
import { BARE, edgeMs, FULL, processMs, type SetUp, stopOnSignal, withEdge } from './set-up.ts';
import { type Cost, costOf, QUICK, sustained, THOROUGH } from './sustained.ts';

// Four set-ups in one run on one machine: what a plain relay, the look-up, the masking and both together can carry.
// Then 50 calls a second against a real Maskline, for the delay that the look-up adds and for failed calls.
//
//   node sip/bench/bench.ts [seconds of the long run, 300] [rates | long | all] [part of the name of the set-ups] [--quick]
//
// `0 rates full --quick` compares full masking without and with Maskline in three rounds of five minutes together; without
// --quick each rate is tried for longer, and twice.

const ROUNDS = 3;
const LONG_RATE = 50;
const BASE_SECONDS = 20;
/**
 * The first 25 s are slow otherwise. The likely reason: the embedded database plans as for an empty table of calls, until statistics
 * are made, one table each 20 s.
 */
const WARM_RATE = 10;
const WARM_SECONDS = 30;
const SETTLE_MS = 45_000;
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false } },
});
const [longSeconds = '300', part = 'all', only = ''] = positionals;
const step = values.quick ? QUICK : THOROUGH;
const directory = path.join(tmpdir(), `maskline-sip-bench-${process.pid}`);
mkdirSync(directory, { recursive: true });
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const loads = (): string =>
  loadavg()
    .map((each) => each.toFixed(2))
    .join(' ');

interface Measured extends Cost {
  readonly rate: number;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const medians = (all: readonly Measured[]): Measured => ({
  rate: median(all.map(({ rate }) => rate)),
  edge: median(all.map(({ edge }) => edge)),
  stub: median(all.map(({ stub }) => stub)),
});
const show = ({ rate, edge, stub }: Measured): string =>
  `${rate} calls/s; ${edge.toFixed(2)} ms of CPU a call, ${stub.toFixed(2)} ms of the stub`;

/**
 * Both of a pair in turns, the second first in every other round, so that a machine that becomes busier or quieter meanwhile
 * favours neither; what counts is the middle one of the rounds' ratios.
 */
async function compare(pair: readonly SetUp[], rounds: number, aim: string): Promise<void> {
  const chosen = pair.filter(({ name }) => name.includes(only));
  const measured = new Map<string, Measured[]>(chosen.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, environment, first } of round % 2 === 0 ? chosen : chosen.toReversed()) {
      const before = measured.get(name) ?? [];
      const one = await withEdge(directory, environment, async (cpuMs) => ({
        ...(await costOf(directory, cpuMs)),
        rate: await sustained({ directory, step, say }, before.at(-1)?.rate || first),
      }));
      before.push(one);
      say(`  round ${round + 1}, ${name}: ${show(one)}`);
    }
  }
  for (const [name, all] of measured) say(`${name}, middle of ${all.length}: ${show(medians(all))}`);
  const [plain = [], more = []] = pair.map(({ name }) => measured.get(name));
  if (plain.length === 0 || more.length === 0) return;
  const ratio = (of: (plain: Measured, more: Measured) => number): string =>
    median(plain.map((each, round) => of(each, more[round] ?? each))).toFixed(2);
  say(
    `${aim}: ${ratio((one, other) => other.rate / one.rate)} by rate, ` +
      `${ratio((one, other) => one.edge / other.edge)} by CPU of the edge, ` +
      `${ratio((one, other) => (one.edge + one.stub) / (other.edge + other.stub))} with the stub`,
  );
}

async function long(seconds: number): Promise<void> {
  // The plain edge before and after, so that the difference is not that of two hours of a day.
  const base = (file: string): Promise<Delays> =>
    withEdge(directory, { EDGE_BENCH_WITHOUT_MASKLINE: '1' }, () =>
      delaysDuring(path.join(directory, file), () => load(directory, ANYBODY, LONG_RATE, BASE_SECONDS)),
    );
  const before = await base('before.pcap');
  const bench = await Bench.start(
    { EDGE_CALLS_PER_SECOND: '400', EDGE_SHARED_MEMORY_MB: '512' },
    { direct: true },
  );
  const forget = stopOnSignal(() => bench.stop());
  let outcome: Outcome | undefined;
  const callers = await openCallers(bench, LONG_RATE * seconds);
  await load(directory, callers, WARM_RATE, WARM_SECONDS);
  await setTimeout(SETTLE_MS);
  const cpuMs = (): Cost => ({
    edge: edgeMs(path.dirname(bench.edgeFile('kamailio.pid'))),
    stub: processMs(String(bench.servicePid)),
  });
  const from = cpuMs();
  const delays = await delaysDuring(path.join(directory, 'long.pcap'), async () => {
    outcome = await load(directory, callers, LONG_RATE, seconds);
  });
  const to = cpuMs();
  await bench.stop();
  forget();
  const after = await base('after.pcap');
  if (!outcome) throw new Error('unreachable');
  say(
    `${LONG_RATE} calls/s for ${seconds} s against Maskline: ${outcome.calls} calls, ${outcome.failed} failed, ` +
      `${outcome.retransmissions} retransmissions${outcome.why}; the last was over after ${outcome.seconds.toFixed(1)} s`,
  );
  const { calls } = outcome;
  const ofEach = (ms: number): string => (ms / calls).toFixed(2);
  say(
    `CPU ms a call: ${ofEach(to.edge - from.edge)} of the edge, ${ofEach(to.stub - from.stub)} of Maskline`,
  );
  const without = [...before.ms, ...after.ms].sort((a, b) => a - b);
  say(
    `INVITE to 180, ${without.length} calls without and ${delays.ms.length} with the look-up (${delays.unanswered} without a 180):`,
  );
  for (const share of [0.5, 0.99, 0.999]) {
    const [one, other] = [percentile(without, share), percentile(delays.ms, share)];
    say(
      `  p${share * 100}: ${one.toFixed(1)} ms without, ${other.toFixed(1)} ms with, ${(other - one).toFixed(1)} ms added`,
    );
  }
  say(`  largest: ${without.at(-1)?.toFixed(1)} ms without, ${delays.ms.at(-1)?.toFixed(1)} ms with`);
}

say(`${cpus().length} cores (${cpus()[0]?.model ?? '?'}), load before: ${loads()}`);
if (part !== 'long') {
  // The look-up on a bare relay is far from its aim of 0.6, so once is enough.
  await compare(BARE, 1, 'look-up on a bare relay, aim 0.6');
  await compare(FULL, ROUNDS, 'look-up and reports on full masking, aim 0.8');
}
if (part !== 'rates') await long(Number(longSeconds));
say(`load after: ${loads()}`);
