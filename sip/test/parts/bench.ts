import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Answer, ask, freePort, until } from '../../../test/system/product.ts';
import { Middleman } from './middleman.ts';
import { ALICE, DAVE, type Party } from './party.ts';
import { Sipp, type SippOptions } from './sipp.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
// Another checkout may be tested with this edge.
const SERVICE_ROOT = process.env.SIP_SERVICE_ROOT ?? ROOT;
const API_KEY = 'a-development-key-for-tests';
const NOWHERE = 'http://127.0.0.1:9';
const run = promisify(execFile);

export interface Contacts {
  readonly sessionId: string;
  /** stands for the customer: the driver dials it and sees it */
  readonly aaa: string;
  /** stands for the driver */
  readonly ddd: string;
}

/** Maskline, the edge between the phones, and a middleman who can make Maskline slow, wrong or absent. */
export class Bench {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'maskline-sip-'));
  readonly middleman = new Middleman();
  #service: ChildProcess | null = null;
  #serviceUrl = '';
  #environment: NodeJS.ProcessEnv = {};
  #references = 0;
  #scripts = 0;
  readonly #phones = new Set<Sipp>();

  /**
   * `phones` log in with a password; without them both addresses are trunks that assert who calls. `hops`: where a number
   * is reached, by number; its address over UDP, unless told otherwise. `alone`: there is no Maskline, and the middleman
   * answers everything by itself.
   */
  static async start(
    environment: NodeJS.ProcessEnv = {},
    {
      phones = [],
      direct = false,
      alone = false,
      hops = {},
    }: {
      phones?: readonly Party[];
      direct?: boolean;
      alone?: boolean;
      hops?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<Bench> {
    const bench = new Bench();
    try {
      if (alone)
        await bench.#nameService(NOWHERE, { hook: `${NOWHERE}/webhooks/sip/a/b`, password: API_KEY }, direct);
      else await bench.#startService(direct);
      bench.#writePhones(phones, hops);
      await bench.startEdge(environment);
    } catch (error) {
      await bench.stop();
      throw error;
    }
    return bench;
  }

  async #startService(direct: boolean): Promise<void> {
    const [port, other, third] = await Promise.all([freePort(), freePort(), freePort()]);
    const env = {
      ...process.env,
      MASKLINE_PORT: String(port),
      SIMULATOR_PORT: String(other),
      DELIVERY_PORT: String(third),
      MASKLINE_DATA_DIR: path.join(this.directory, 'data'),
      MASKLINE_DEV_API_KEY: API_KEY,
    };
    this.#service = spawn(process.execPath, ['sip/demo/service.ts'], {
      cwd: SERVICE_ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    this.#service.stdout?.on('data', (chunk) => (output += chunk));
    this.#service.stderr?.on('data', (chunk) => (errors += chunk));
    await until(
      'Maskline',
      () => {
        if (this.#service?.exitCode !== null) throw new Error(`Maskline did not start: ${errors}`);
        return output.includes('\n');
      },
      60_000,
    );
    const { url = '', hook = '', password = '' } = JSON.parse(output) as Record<string, string>;
    await this.#nameService(url, { hook, password }, direct);
  }

  async #nameService(
    url: string,
    { hook, password }: { hook: string; password: string },
    direct: boolean,
  ): Promise<void> {
    this.#serviceUrl = url;
    this.hook = hook;
    this.hookPassword = password;
    // A measurement has nobody in the middle.
    const between = direct ? url : await this.middleman.start(url);
    this.#environment = {
      EDGE_RUN_DIR: path.join(this.directory, 'edge'),
      EDGE_PHONES_FILE: path.join(this.directory, 'phones'),
      MASKLINE_URL: between,
      MASKLINE_API_KEY: API_KEY,
      MASKLINE_HOOK: hook.replace(/^https?:\/\/[^/]+/, between),
      MASKLINE_HOOK_PASSWORD: password,
    };
  }

  #writePhones(phones: readonly Party[], other: Readonly<Record<string, string>>): void {
    const hops = [ALICE, DAVE].map(
      ({ number, address }) => `$sht(hop=>${number}) = "${other[number] ?? `sip:${address}:5060`}";\n`,
    );
    const passwords = phones.map(
      (party) => `$sht(password=>${party.number}) = "${this.passwordOf(party)}";\n`,
    );
    writeFileSync(path.join(this.directory, 'phones'), [...hops, ...passwords].join(''));
    const group = phones.length > 0 ? 2 : 1;
    writeFileSync(
      path.join(this.directory, 'trunks'),
      // baresip opens its TCP connections from 127.0.0.1, whatever it is told.
      [ALICE.address, DAVE.address, '127.0.0.1'].map((address) => `${group} ${address} 32\n`).join(''),
    );
    this.#environment.EDGE_TRUNKS_FILE = path.join(this.directory, 'trunks');
  }

  passwordOf(party: Party): string {
    return `password-of-${party.word}`;
  }

  /** the webhooks of the account, without the edge in between */
  hook = '';
  hookPassword = '';

  get servicePid(): number {
    return this.#service?.pid ?? -1;
  }

  async startEdge(environment: NodeJS.ProcessEnv = {}): Promise<void> {
    Object.assign(this.#environment, environment);
    await this.edge('start');
  }

  async edge(command: 'start' | 'stop' | 'status'): Promise<string> {
    const env = { ...process.env, ...this.#environment };
    const { stdout } = await run(path.join(ROOT, 'sip/scripts/edge'), [command], { env });
    return stdout;
  }

  edgeFile(name: string): string {
    return path.join(this.directory, 'edge', name);
  }

  async stop(): Promise<void> {
    await this.hangUp();
    if (this.#environment.EDGE_RUN_DIR) await this.edge('stop');
    if (this.#service && this.#service.exitCode === null && this.#service.signalCode === null) {
      const gone = once(this.#service, 'exit');
      this.#service.kill('SIGCONT');
      this.#service.kill('SIGTERM');
      await gone;
    }
    await this.middleman.stop();
    if (!process.env.SIP_KEEP) rmSync(this.directory, { recursive: true, force: true });
  }

  /** The phones that a failed test has left behind. */
  async hangUp(): Promise<void> {
    await Promise.all([...this.#phones].map((phone) => phone.stop()));
    this.#phones.clear();
  }

  api(method: string, pathAndQuery: string, body?: unknown): Promise<Answer> {
    const headers = { authorization: `Bearer ${API_KEY}`, 'idempotency-key': `sip-${this.#references++}` };
    return ask(method, this.#serviceUrl + pathAndQuery, body, headers);
  }

  /** A session of the two, in a pool of its own when the limits are to be others. */
  async session(customer: Party = ALICE, driver: Party = DAVE, pool = 'sip'): Promise<Contacts> {
    const reference = `order-${this.#references++}`;
    const { status, body } = await this.api('POST', '/v1/sessions', {
      pool,
      reference,
      participants: [
        { role: 'customer', realNumber: customer.number },
        { role: 'driver', realNumber: driver.number },
      ],
    });
    if (status !== 201 || body.state !== 'open')
      throw new Error(`No session: ${status} ${JSON.stringify(body)}`);
    const [aaa, ddd] = body.participants.map((each: { virtualNumber: string }) => each.virtualNumber);
    return { sessionId: body.id, aaa, ddd };
  }

  async calls(sessionId: string): Promise<Record<string, unknown>[]> {
    return (await this.api('GET', `/v1/calls?session=${sessionId}`)).body.data;
  }

  /** The one call of a session, once it is over. */
  async ended(sessionId: string): Promise<Record<string, unknown>> {
    let found: Record<string, unknown> | undefined;
    await until('the end of the call in the records', async () => {
      found = (await this.calls(sessionId)).find((call) => call.state === 'ended');
      return found !== undefined;
    });
    if (!found) throw new Error('unreachable');
    return found;
  }

  /** A pool with the shortest limits that there are, and a few numbers of its own. */
  async shortPool(): Promise<string> {
    const name = 'short';
    const limits = { ringTimeoutSeconds: 5, maxCallSeconds: 10 };
    const stock = { providerAccount: 'sip', lowWater: 0, target: 0, max: 10 };
    await this.api('POST', '/v1/pools', { name, mode: 'shared', countries: ['GB'], ...limits, stock });
    for (const virtualNumber of ['+441632960990', '+441632960991', '+441632960992', '+441632960993']) {
      const capabilities = ['voice', 'sms'];
      await this.api('POST', '/v1/virtual-numbers', {
        virtualNumber,
        pool: name,
        providerAccount: 'sip',
        capabilities,
      });
    }
    return name;
  }

  phone(options: Omit<SippOptions, 'directory' | 'name'> & { name?: string }): Sipp {
    const name = `${options.name ?? options.party.word}-${this.#scripts++}`;
    const phone = new Sipp({ ...options, name, directory: this.directory });
    this.#phones.add(phone);
    return phone;
  }

  /** Plays both scripts and waits for both. The callee's phone is there first. */
  async play(
    caller: SippOptions['steps'],
    callee: SippOptions['steps'] | null,
    from: Party = ALICE,
    to: Party = DAVE,
  ): Promise<void> {
    const rung = callee ? this.phone({ party: to, steps: callee }) : null;
    if (rung) await until('the phone that is called', () => isBound(to.address));
    const dialling = this.phone({ party: from, steps: caller });
    const results = await Promise.allSettled([dialling.done(), rung?.done()]);
    await this.hangUp();
    const wrong = results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
    if (wrong.length > 0) throw new Error(wrong.join('\n'));
  }
}

async function isBound(address: string): Promise<boolean> {
  const { stdout } = await run('ss', ['-Hlun', `src ${address}:5060`]);
  return stdout.trim() !== '';
}
