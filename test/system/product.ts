import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
// Three seconds on a machine of its own; what is waited for is the start, and not how long it takes.
const START_LIMIT_MS = 120_000;
const POLL_MS = 25;
export const API_KEY = 'a-development-key-for-tests';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came back, and fails where it is not what it should be
  readonly body: any;
}

/** The started product, seen from outside: three HTTP addresses and a process that can be killed. */
export class Product {
  readonly dataDir: string;
  ports: readonly [number, number, number];
  readonly #environment: NodeJS.ProcessEnv;
  #child: ChildProcess | null = null;
  output = '';

  private constructor(
    dataDir: string,
    ports: readonly [number, number, number],
    environment: NodeJS.ProcessEnv,
  ) {
    this.dataDir = dataDir;
    this.ports = ports;
    this.#environment = environment;
  }

  static async create(environment: NodeJS.ProcessEnv = {}): Promise<Product> {
    const ports = await Promise.all([freePort(), freePort(), freePort()]);
    return new Product(mkdtempSync(path.join(tmpdir(), 'maskline-')), ports, environment);
  }

  static async start(environment: NodeJS.ProcessEnv = {}): Promise<Product> {
    const product = await Product.create(environment);
    await product.start();
    return product;
  }

  /** Starts the process and waits until it is ready. Returns the milliseconds that took. */
  async start(): Promise<number> {
    const from = performance.now();
    this.spawn();
    await until(
      'readyz',
      async () => (await this.maskline('GET', '/readyz').catch(() => null))?.status === 200,
      START_LIMIT_MS,
    );
    await until(
      'the delivery company',
      async () => (await this.delivery('GET', '/api/orders').catch(() => null)) !== null,
    );
    return performance.now() - from;
  }

  spawn(): ChildProcess {
    const [masklinePort, simulatorPort, deliveryPort] = this.ports;
    this.#child = spawn(process.execPath, ['src/cli.ts', 'dev'], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        // The parts that the product brings along, even where the tests have a broker and a server at hand.
        KAFKA_BROKERS: undefined,
        DATABASE_URL: undefined,
        MASKLINE_PORT: String(masklinePort),
        SIMULATOR_PORT: String(simulatorPort),
        DELIVERY_PORT: String(deliveryPort),
        MASKLINE_DATA_DIR: this.dataDir,
        MASKLINE_DEV_API_KEY: API_KEY,
        ...this.#environment,
      },
    });
    this.#child.stdout?.on('data', (chunk) => (this.output += chunk));
    this.#child.stderr?.on('data', (chunk) => (this.output += chunk));
    return this.#child;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
    return child.exitCode;
  }

  /** The next start listens for Maskline here. */
  moveTo(masklinePort: number): void {
    this.ports = [masklinePort, this.ports[1], this.ports[2]];
  }

  async destroy(): Promise<void> {
    await this.kill('SIGTERM');
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  url(part: 'maskline' | 'simulator' | 'delivery', pathAndQuery: string): string {
    return `http://127.0.0.1:${this.ports[{ maskline: 0, simulator: 1, delivery: 2 }[part]]}${pathAndQuery}`;
  }

  maskline(
    method: string,
    pathAndQuery: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return ask(method, this.url('maskline', pathAndQuery), body, {
      authorization: `Bearer ${API_KEY}`,
      ...headers,
    });
  }

  simulator(method: string, pathAndQuery: string, body?: unknown): Promise<Answer> {
    return ask(method, this.url('simulator', pathAndQuery), body);
  }

  delivery(method: string, pathAndQuery: string, body?: unknown): Promise<Answer> {
    return ask(method, this.url('delivery', pathAndQuery), body);
  }
}

export async function ask(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Waits for a condition, not for a time: it looks until the condition holds, and fails with its name. */
export async function until(
  what: string,
  holds: () => Promise<boolean> | boolean,
  limitMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Waited ${limitMs} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port was given.');
  return address.port;
}
