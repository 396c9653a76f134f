import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROLE_LIMIT_MS = 1_000;

export interface PatroniNodeOptions {
  readonly name: string;
  readonly home: string;
  /** its settings */
  readonly file: string;
  readonly ports: { readonly postgres: number; readonly rest: number };
  readonly owner: { readonly uid: number; readonly gid: number } | null;
}

/** One Patroni and the PostgreSQL that it keeps. */
export class PatroniNode {
  readonly name: string;
  readonly ports: { readonly postgres: number; readonly rest: number };
  readonly logPath: string;
  readonly #options: PatroniNodeOptions;
  #child: ChildProcess | null = null;

  constructor(options: PatroniNodeOptions) {
    this.#options = options;
    this.name = options.name;
    this.ports = options.ports;
    this.logPath = path.join(options.home, 'log');
  }

  start(): void {
    const { file, owner, home } = this.#options;
    const log = openSync(this.logPath, 'a', 0o644);
    this.#child = spawn('/usr/bin/patroni', [file], {
      stdio: ['ignore', log, log],
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home, LC_ALL: 'C.UTF-8' },
      ...owner,
    });
  }

  /** What it says of itself; null when it says nothing. */
  async role(): Promise<'primary' | 'standby' | null> {
    try {
      const signal = AbortSignal.timeout(ROLE_LIMIT_MS);
      const response = await fetch(`http://127.0.0.1:${this.ports.rest}/patroni`, { signal });
      const { role, state } = (await response.json()) as { role?: string; state?: string };
      if (state !== 'running') return null;
      return role === 'master' || role === 'primary' ? 'primary' : 'standby';
    } catch {
      return null;
    }
  }

  /** What a crash of PostgreSQL is: its postmaster is gone at once. */
  crashPostgres(): void {
    this.#signal(this.#postmaster(), 'SIGKILL');
  }

  /** What the death of a machine is, but for the reset that a machine that is gone cannot send. */
  async die(): Promise<void> {
    const child = this.#child;
    const gone = child && new Promise((resolve) => child.once('exit', resolve));
    const postgres = this.#processes();
    child?.kill('SIGKILL');
    for (const pid of postgres) this.#signal(pid, 'SIGKILL');
    await gone;
  }

  /** Patroni and PostgreSQL stand still, and hold everything that they have. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
    for (const pid of this.#processes()) this.#signal(pid, 'SIGSTOP');
  }

  thaw(): void {
    for (const pid of this.#processes()) this.#signal(pid, 'SIGCONT');
    this.#child?.kill('SIGCONT');
  }

  async destroy(): Promise<void> {
    if (!this.#child || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.thaw();
    await this.die();
  }

  #postmaster(): number {
    try {
      return Number(
        readFileSync(path.join(this.#options.home, 'data/postmaster.pid'), 'utf8').split('\n')[0],
      );
    } catch {
      return 0;
    }
  }

  /** The postmaster and its children. */
  #processes(): readonly number[] {
    const postmaster = this.#postmaster();
    if (postmaster === 0) return [];
    try {
      const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(postmaster)], { encoding: 'utf8' });
      return [postmaster, ...children.trim().split(/\s+/).map(Number)];
    } catch {
      return [postmaster];
    }
  }

  #signal(pid: number, signal: NodeJS.Signals): void {
    if (pid === 0) return;
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended by itself.
    }
  }
}
