import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Bench } from './bench.ts';

const run = promisify(execFile);
const PAGE_BYTES = 4_096;

/** What an edge holds at one moment: of calls, which must go, and of memory, which must not grow with their number. */
export interface Footprint {
  /** open files of rtpengine: four ports a call, which it counts among its calls only when they are answered */
  readonly relaySockets: number;
  /** dialogs and transactions of Kamailio */
  readonly dialogs: number;
  readonly transactions: number;
  /** values that Kamailio remembers of calls */
  readonly remembered: number;
  /** bytes in use of Kamailio's shared memory, and of its processes' own */
  readonly sharedBytes: number;
  readonly ownBytes: number;
  /** resident memory of rtpengine */
  readonly relayBytes: number;
}

export async function footprintOf(bench: Bench): Promise<Footprint> {
  const [dialogs, transactions, remembered, shared, own] = await Promise.all(
    ['dlg.stats_active', 'tm.stats', 'htable.stats', 'core.shmmem', 'pkg.stats'].map((what) =>
      askKamailio(bench, what),
    ),
  );
  const relay = readFileSync(bench.edgeFile('rtpengine.pid'), 'utf8').trim();
  return {
    relaySockets: readdirSync(`/proc/${relay}/fd`).length,
    dialogs: sum(dialogs, 'all'),
    transactions: sum(transactions, 'current'),
    remembered: Number(/name: call\s[^}]*?all: (\d+)/s.exec(remembered ?? '')?.[1] ?? Number.NaN),
    sharedBytes: sum(shared, 'used'),
    ownBytes: sum(own, 'used'),
    relayBytes: Number(readFileSync(`/proc/${relay}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES,
  };
}

async function askKamailio(bench: Bench, what: string): Promise<string> {
  const { stdout } = await run('kamcmd', ['-s', `unix:${bench.edgeFile('ctl')}`, what]);
  return stdout;
}

/** The values of a name, put together: each process has one of its own. */
function sum(answer: string | undefined, name: string): number {
  const values = [...(answer ?? '').matchAll(new RegExp(`^\\s*${name}: (\\d+)`, 'gm'))];
  if (values.length === 0) throw new Error(`Kamailio said nothing of ${name}: ${answer}`);
  return values.reduce((total, [, value]) => total + Number(value), 0);
}
