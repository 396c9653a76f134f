import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ALICE, DAVE, EDGE } from '../test/parts/party.ts';
import { calleeScenario, callerScenario } from './scenarios.ts';

const COMMON =
  '-nostdin -default_behaviors none -buff_size 8388608 -recv_timeout 10000 -max_socket 10000'.split(' ');

export interface Outcome {
  readonly calls: number;
  readonly failed: number;
  readonly retransmissions: number;
  /** from the first call to the end of the last, in seconds */
  readonly seconds: number;
  /** what sipp said of the first call that failed */
  readonly why: string;
}

/** `rate` calls a second for so many seconds, each of one second; resolves when the last of them is over. */
export async function load(
  directory: string,
  dialled: string,
  rate: number,
  seconds: number,
): Promise<Outcome> {
  const name = `uac-${rate}-${Date.now()}`;
  writeFileSync(path.join(directory, `${name}.xml`), callerScenario(dialled));
  writeFileSync(path.join(directory, 'uas.xml'), calleeScenario);
  const options = { cwd: directory, stdio: 'ignore' } as const;
  const callee = spawn(
    'sipp',
    ['-sf', 'uas.xml', '-i', DAVE.address, '-p', '5060', ...COMMON, EDGE],
    options,
  );
  await new Promise((resolve) => setTimeout(resolve, 500));
  const calls = rate * seconds;
  const amount = `-r ${rate} -m ${calls} -l ${rate * 20}`.split(' ');
  const traces = `-trace_stat -fd 1 -stf ${name}.csv -trace_err`.split(' ');
  const from = performance.now();
  const caller = spawn(
    'sipp',
    [
      ...['-sf', `${name}.xml`, '-i', ALICE.address, '-p', '5060'],
      ...amount,
      ...traces,
      ...COMMON,
      `${EDGE}:5060`,
    ],
    options,
  );
  await once(caller, 'exit');
  const took = (performance.now() - from) / 1_000;
  callee.kill('SIGKILL');
  await once(callee, 'exit');
  const rows = readFileSync(path.join(directory, `${name}.csv`), 'utf8')
    .trim()
    .split('\n');
  const [names = [], last = []] = [rows[0]?.split(';'), rows.at(-1)?.split(';')];
  const column = (title: string): number => Number(last[names.indexOf(title)] ?? Number.NaN);
  return {
    calls,
    failed: calls - column('SuccessfulCall(C)'),
    retransmissions: column('Retransmissions(C)'),
    seconds: took,
    why: readWhy(directory, name),
  };
}

function readWhy(directory: string, name: string): string {
  const file = readdirSync(directory).find(
    (each) => each.startsWith(`${name}_`) && each.endsWith('_errors.log'),
  );
  if (!file) return '';
  const text = readFileSync(path.join(directory, file), 'utf8');
  return ` (${text.slice(0, 600).replace(/\s+/g, ' ')})`;
}
