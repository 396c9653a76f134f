import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SCRIPT = fileURLToPath(new URL('../../scripts/kafka', import.meta.url));
const run = promisify(execFile);

/** A broker that a test may stop, beside the one that all tests share. */
export class OwnBroker {
  readonly #environment: NodeJS.ProcessEnv;
  #address = '';

  private constructor(environment: NodeJS.ProcessEnv) {
    this.#environment = environment;
  }

  /** `advertisedPort`: where clients are told to come instead, such as a proxy in front of it. */
  static async start(advertisedPort?: number): Promise<OwnBroker> {
    const directory = mkdtempSync(path.join(tmpdir(), 'maskline-own-kafka-'));
    const broker = new OwnBroker({
      ...process.env,
      MASKLINE_KAFKA_DIR: directory,
      ...(advertisedPort !== undefined && { MASKLINE_KAFKA_ADVERTISED_PORT: String(advertisedPort) }),
    });
    await broker.start();
    return broker;
  }

  get address(): string {
    return this.#address;
  }

  /** On the address of before, with everything that it had. */
  async start(): Promise<void> {
    this.#address = (await this.#run('start')).trim().split('\n').at(-1) ?? '';
  }

  async stop(): Promise<void> {
    await this.#run('stop');
  }

  async clean(): Promise<void> {
    await this.#run('clean');
  }

  async #run(command: string): Promise<string> {
    const { stdout } = await run(SCRIPT, [command], { env: this.#environment });
    return stdout;
  }
}
