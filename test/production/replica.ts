import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Answer, ask, freePort, until } from '../system/product.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
// Two seconds on a machine of its own; loading alone has taken thirty on one that was busy with other tests.
const START_LIMIT_MS = 180_000;
/** What a process needs to start at all, and to start soon: the code that an earlier one compiled. */
const USUAL = { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE };

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `maskline …` to its end, with nothing of this process's environment that would set anything. */
export async function runCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  root = ROOT,
): Promise<CommandResult> {
  const child = spawn(process.execPath, ['src/cli.ts', ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...USUAL, ...environment },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}

export interface ReplicaOptions {
  /** what a shell does before it becomes the replica, such as `ulimit -n 256;` */
  readonly shell?: string;
  /** the compiled program, for a run without compiling at start; default: the sources */
  readonly program?: string;
}

/** One `maskline serve`: a process that can be asked, drained and killed. */
export class Replica {
  readonly port: number;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #options: ReplicaOptions;
  #child: ChildProcess | null = null;
  output = '';
  /** where the sources of the next start lie */
  root = ROOT;

  private constructor(port: number, environment: Readonly<Record<string, string>>, options: ReplicaOptions) {
    this.port = port;
    this.#environment = environment;
    this.#options = options;
  }

  static async create(
    environment: Readonly<Record<string, string>>,
    options: ReplicaOptions = {},
  ): Promise<Replica> {
    return new Replica(await freePort(), environment, options);
  }

  static async start(
    environment: Readonly<Record<string, string>>,
    options: ReplicaOptions = {},
  ): Promise<Replica> {
    const replica = await Replica.create(environment, options);
    await replica.start();
    return replica;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Whether its process has ended, whoever ended it. */
  get exited(): boolean {
    return this.#child !== null && (this.#child.exitCode !== null || this.#child.signalCode !== null);
  }

  spawn(): ChildProcess {
    const serve = [process.execPath, this.#options.program ?? 'src/cli.ts', 'serve'];
    const { shell } = this.#options;
    const [command = '', ...args] =
      shell === undefined ? serve : ['bash', '-c', `${shell} exec "$@"`, 'replica', ...serve];
    const child = spawn(command, args, {
      cwd: this.root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...USUAL,
        MASKLINE_HOST: '127.0.0.1',
        MASKLINE_PORT: String(this.port),
        MASKLINE_PUBLIC_URL: `http://127.0.0.1:${this.port}`,
        ...this.#environment,
      },
    });
    child.stdout.on('data', (chunk) => this.#note(chunk));
    child.stderr.on('data', (chunk) => this.#note(chunk));
    this.#child = child;
    return child;
  }

  /** Resolves when it is ready. */
  async start(): Promise<void> {
    this.spawn();
    await until(
      `readyz of a replica:\n${this.output}`,
      async () => {
        if (this.#child?.exitCode !== null) throw new Error(`The replica did not start:\n${this.output}`);
        return (await this.ask('GET', '/readyz').catch(() => null))?.status === 200;
      },
      START_LIMIT_MS,
    );
  }

  /** Sends the signal, waits for the end, and returns the exit code. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
    return child.exitCode;
  }

  ask(method: string, pathAndQuery: string, body?: unknown, apiKey?: string): Promise<Answer> {
    const headers: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
    return ask(method, `http://127.0.0.1:${this.port}${pathAndQuery}`, body, headers);
  }

  /** The value of a metric, summed over its labels; null when it is not there. */
  async metric(name: string): Promise<number | null> {
    const { body } = await this.ask('GET', '/metrics');
    const lines = String(body)
      .split('\n')
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    return lines.length === 0
      ? null
      : lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  #note(chunk: unknown): void {
    this.output = (this.output + String(chunk)).slice(-200_000);
  }
}
