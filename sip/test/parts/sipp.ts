import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EDGE, type Party } from './party.ts';
import { type Step, scenario } from './scenario.ts';

export interface SippOptions {
  readonly directory: string;
  readonly name: string;
  readonly party: Pick<Party, 'address' | 'word'>;
  readonly steps: readonly Step[];
  readonly port?: number;
  readonly timeoutMs?: number;
  readonly extra?: readonly string[];
}

/** A phone that plays one script once. */
export class Sipp {
  readonly #child: ChildProcess;
  readonly #gone: Promise<number>;
  readonly #options: SippOptions;
  #output = '';

  constructor(options: SippOptions) {
    this.#options = options;
    const { directory, name, party, steps, port = 5060, timeoutMs = 8_000, extra = [] } = options;
    const file = path.join(directory, `${name}.xml`);
    writeFileSync(file, scenario(steps));
    this.#child = spawn(
      'sipp',
      [
        ...['-sf', file, '-i', party.address, '-p', String(port), '-m', '1', '-l', '1', '-nostdin'],
        ...[
          '-cid_str',
          `%u-%p-${party.word}@%s`,
          '-trace_err',
          ...(process.env.SIP_KEEP ? ['-trace_msg'] : []),
          '-timeout',
          `${timeoutMs}ms`,
          '-timeout_error',
        ],
        ...['-recv_timeout', String(timeoutMs), '-default_behaviors', 'none', ...extra, `${EDGE}:5060`],
      ],
      { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TERM: 'dumb' } },
    );
    this.#child.stdout?.on('data', () => undefined);
    this.#child.stderr?.on('data', (chunk) => (this.#output += chunk));
    this.#gone = once(this.#child, 'exit').then(([code]) => (code as number | null) ?? -1);
  }

  /** Resolves when the script was played as written. @throws Error with what sipp wrote about it */
  async done(): Promise<void> {
    const code = await this.#gone;
    if (code === 0) return;
    const { directory, name } = this.#options;
    const log = readdirSync(directory).find((file) => file.startsWith(`${name}_${this.#child.pid}_errors`));
    const why = log ? readFileSync(path.join(directory, log), 'utf8') : this.#output;
    throw new Error(`The phone ${name} ended with ${code}: ${why.slice(0, 3_000)}`);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.#gone;
  }
}
