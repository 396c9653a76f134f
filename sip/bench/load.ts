import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ALICE, DAVE, EDGE } from '../test/parts/party.ts';
import type { Caller } from './callers.ts';
import { calleeScenario, callerScenario } from './scenarios.ts';

const COMMON = '-nostdin -default_behaviors none -buff_size 8388608 -max_socket 10000'.split(' ');
/** How long a phone waits for what comes next. */
const PATIENCE_MS = 10_000;

const SECONDS_SHOWN = 60;

export interface Outcome {
  readonly calls: number;
  readonly failed: number;
  readonly retransmissions: number;
  /** from the first call to the end of the last, in seconds */
  readonly seconds: number;
  /** what sipp said of the first calls that failed, and when */
  readonly why: string;
}

/**
 * `rate` calls a second for so many seconds, each of one second, by the callers in turns; resolves when the last of them is
 * over.
 */
export async function load(
  directory: string,
  callers: readonly Caller[],
  rate: number,
  seconds: number,
  patienceMs = PATIENCE_MS,
): Promise<Outcome> {
  const common = [...COMMON, '-recv_timeout', String(patienceMs)];
  const name = `uac-${rate}-${Date.now()}`;
  writeFileSync(path.join(directory, `${name}.xml`), callerScenario);
  const rows = callers.map(({ number, dialled }) => `${number};${dialled}`);
  writeFileSync(path.join(directory, `${name}-callers.csv`), `SEQUENTIAL\n${rows.join('\n')}\n`);
  writeFileSync(path.join(directory, 'uas.xml'), calleeScenario);
  const options = { cwd: directory, stdio: 'ignore' } as const;
  const callee = spawn(
    'sipp',
    ['-sf', 'uas.xml', '-i', DAVE.address, '-p', '5060', ...common, EDGE],
    options,
  );
  await new Promise((resolve) => setTimeout(resolve, 500));
  const calls = rate * seconds;
  const amount = `-r ${rate} -m ${calls} -l ${rate * 20}`.split(' ');
  const traces = `-trace_stat -fd 1 -stf ${name}.csv -trace_err`.split(' ');
  const from = performance.now();
  const startedMs = Date.now();
  const caller = spawn(
    'sipp',
    [
      ...['-sf', `${name}.xml`, '-inf', `${name}-callers.csv`, '-i', ALICE.address, '-p', '5060'],
      ...amount,
      ...traces,
      ...common,
      `${EDGE}:5060`,
    ],
    options,
  );
  await once(caller, 'exit');
  const took = (performance.now() - from) / 1_000;
  callee.kill('SIGKILL');
  await once(callee, 'exit');
  const counts = readFileSync(path.join(directory, `${name}.csv`), 'utf8')
    .trim()
    .split('\n');
  const [names = [], last = []] = [counts[0]?.split(';'), counts.at(-1)?.split(';')];
  const column = (title: string): number => Number(last[names.indexOf(title)] ?? Number.NaN);
  return {
    calls,
    failed: calls - column('SuccessfulCall(C)'),
    retransmissions: column('Retransmissions(C)'),
    seconds: took,
    why: readWhy(directory, name, startedMs),
  };
}

/** The first words of sipp's log, and in which seconds of the run it wrote into it: a stall looks unlike one call in a thousand. */
function readWhy(directory: string, name: string, startedMs: number): string {
  const file = readdirSync(directory).find(
    (each) => each.startsWith(`${name}_`) && each.endsWith('_errors.log'),
  );
  if (!file) return '';
  const text = readFileSync(path.join(directory, file), 'utf8');
  const perSecond = new Map<number, number>();
  for (const [, unixSeconds] of text.matchAll(/\s(\d{10}\.\d+): /g)) {
    const second = Math.floor(Number(unixSeconds) - startedMs / 1_000);
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
  }
  const seconds = [...perSecond].map(([second, count]) => `${second} (${count})`).slice(0, SECONDS_SHOWN);
  const [first = ''] = text.replace(/^The following events occurred:\s*\S+ \S+\s+\S+: /, '').split('\n');
  return `, in the seconds ${seconds.join(', ')}; first: ${first.slice(0, 120)}`;
}
