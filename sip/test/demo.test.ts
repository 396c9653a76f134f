import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../test/system/product.ts';
import { Capture } from './parts/capture.ts';
import { findLeaks, secretsOf, towards } from './parts/leaks.ts';
import { ALICE, DAVE, type Party } from './parts/party.ts';

// `npm run sip`, started and ended as its user does: at a terminal with Ctrl-C, and by a signal.

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CTRL_C = '\x03';
/** Ports of the edge, of the relay's control and of the phones. */
const PORTS = [
  '127.0.30.1:5060',
  '127.0.40.1:2223',
  ...[ALICE, DAVE].map(({ address }) => `${address}:5060`),
];
const PROGRAMS = ['baresip', 'kamailio', 'rtpengine'];

/** One run. Its processes are known by a directory that their environment names, whatever became of their parents. */
class Run {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'maskline-demo-'));
  readonly child: ChildProcess;
  readonly #gone: Promise<unknown>;
  output = '';

  constructor(command: string, args: readonly string[], stdin: 'pipe' | 'ignore') {
    const env = { ...process.env, TMPDIR: this.directory };
    this.child = spawn(command, args, { cwd: ROOT, env, stdio: [stdin, 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (chunk) => (this.output += chunk));
    this.child.stderr?.on('data', (chunk) => (this.output += chunk));
    this.#gone = once(this.child, 'exit');
  }

  async says(what: RegExp): Promise<void> {
    await until(`the words ${what}`, () => what.test(this.output), 45_000).catch((error: Error) => {
      throw new Error(`${error.message}; it said:\n${this.output}`);
    });
  }

  async ended(): Promise<number | null> {
    await until(
      'the end of the run',
      () => this.child.exitCode !== null || this.child.signalCode !== null,
      20_000,
    );
    await this.#gone;
    return this.child.exitCode;
  }

  /** Names and ids of the processes of this run that live. */
  processes(): string[] {
    return readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid))
      .flatMap((pid) => {
        try {
          if (
            !readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`TMPDIR=${this.directory}`)
          )
            return [];
          return [`${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} ${pid}`];
        } catch {
          // It has just ended.
          return [];
        }
      });
  }

  kill(): void {
    for (const each of this.processes()) process.kill(Number(each.split(' ')[1]), 'SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function portsInUse(): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ss', ['-Hlun']);
  return PORTS.filter((port) => stdout.includes(`${port} `));
}

async function expectNothingLeft(run: Run): Promise<void> {
  expect(run.processes()).toEqual([]);
  expect(await portsInUse()).toEqual([]);
  // Node keeps compiled code in such a place, too.
  expect(readdirSync(run.directory).filter((name) => name.startsWith('maskline'))).toEqual([]);
}

const runs: Run[] = [];
function start(...args: ConstructorParameters<typeof Run>): Run {
  const run = new Run(...args);
  runs.push(run);
  return run;
}
/** With a terminal in front of it, as at a desk. */
const atTerminal = (): Run => start('script', ['-qefc', 'npm run sip', '/dev/null'], 'pipe');

describe('npm run sip', { timeout: 60_000 }, () => {
  afterEach(() => {
    for (const run of runs.splice(0)) run.kill();
  });

  it('masks a call each way, another one on request, and ends with Ctrl-C', async () => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'maskline-demo-capture-')), 'sip.pcap');
    const capture = await Capture.start(file, 'udp port 5060');
    const run = atTerminal();
    try {
      await run.says(/Ctrl-C: stop/);
      expect(run.processes().map((each) => each.split(' ')[0])).toEqual(expect.arrayContaining(PROGRAMS));
      expect(await portsInUse()).toEqual(PORTS);
      const calls = run.output.match(/Maskline recorded/g) ?? [];
      expect(calls).toHaveLength(2);
      run.child.stdin?.write('2\n');
      await run.says(/(Maskline recorded[\s\S]*){3}/);
      run.child.stdin?.write(CTRL_C);
      await run.ended();
    } finally {
      await capture.stop();
    }
    await expectNothingLeft(run);

    const [ddd, aaa] = ['driver', 'customer'].map(
      (role) => new RegExp(`shows the ${role} as +(\\+\\d+)`).exec(run.output)?.[1] ?? '',
    );
    expect(run.output).toContain(`the phone of ${DAVE.name} shows     sip:${aaa}@`);
    expect(run.output).toContain(`the phone of ${ALICE.name} shows     sip:${ddd}@`);
    const packets = capture.soFar();
    rmSync(path.dirname(file), { recursive: true });
    for (const [reader, other, invites] of [
      [DAVE, ALICE, 1],
      [ALICE, DAVE, 2],
    ] as [Party, Party, number][]) {
      const seen = towards(reader, packets);
      expect(seen.filter(({ payload }) => payload.toString('latin1').startsWith('INVITE ')).length).toBe(
        invites,
      );
      expect(findLeaks(seen, secretsOf(other, packets), [aaa ?? '', ddd ?? ''])).toEqual([]);
    }
  });

  it('leaves nothing behind when it is ended while it starts', async () => {
    // npm would keep the signal to itself.
    const run = start(process.execPath, ['sip/demo/demo.ts'], 'ignore');
    await run.says(/Starting Maskline/);
    await until(
      'the edge to be half started',
      () => run.processes().some((each) => each.startsWith('rtpengine')),
      30_000,
    );
    run.child.kill('SIGTERM');
    expect(await run.ended()).toBe(0);
    await expectNothingLeft(run);
  });
});
