import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { POOL, TENANT } from '../test/production/seed.ts';

// The rows of one opened session, and nothing else: no look-up, no choice, no crypto. The numbers are made up, so that
// no unique index is ever in the way.
const INSERTS = `
insert into maskline.reference (tenant, reference, pool, highest_assignment) values ('${TENANT}', 'i' || :id, '${POOL}', 1);
insert into maskline.session (tenant, id, reference, assignment, pool, mode, state, created_at, opened_at, expires_at)
  values ('${TENANT}', 'i' || :id, 'i' || :id, 1, '${POOL}', 'voice_and_message', 'open', '2026-01-01', '2026-01-01', '2026-01-02');
insert into maskline.participant (tenant, session_id, id, place, role, user_id, sealed_number, caller_key, virtual_number, exclusive)
  values ('${TENANT}', 'i' || :id, 'par_a' || :id, 1, 'customer', 'c' || :id, decode(repeat('ab', 45), 'hex'), sha256(('a' || :id)::bytea), '+1' || :id, true),
         ('${TENANT}', 'i' || :id, 'par_b' || :id, 2, 'driver', 'd' || :id, decode(repeat('ab', 45), 'hex'), sha256(('b' || :id)::bytea), '+2' || :id, true);
insert into maskline.participant_key (tenant, session_id, participant_id, key)
  values ('${TENANT}', 'i' || :id, 'par_a' || :id, sha256(('k' || :id)::bytea)), ('${TENANT}', 'i' || :id, 'par_b' || :id, sha256(('l' || :id)::bytea));
insert into maskline.route (tenant, virtual_number, caller_key, session_id, reference, calling_participant, calling_role,
    called_participant, called_role, sealed_destination, caller_id, mode, live_until, ring_timeout_seconds, max_call_seconds)
  values ('${TENANT}', '+2' || :id, sha256(('a' || :id)::bytea), 'i' || :id, 'i' || :id, 'par_a' || :id, 'customer', 'par_b' || :id, 'driver', decode(repeat('ab', 45), 'hex'), '+1' || :id, 'voice_and_message', '2026-01-02', 25, 3600),
         ('${TENANT}', '+1' || :id, sha256(('b' || :id)::bytea), 'i' || :id, 'i' || :id, 'par_b' || :id, 'driver', 'par_a' || :id, 'customer', decode(repeat('ab', 45), 'hex'), '+2' || :id, 'voice_and_message', '2026-01-02', 25, 3600);
insert into maskline.outbox (tenant, event_id, type, key, data, occurred_at)
  values ('${TENANT}', 'evt_' || :id, 'session.opened', 'i' || :id, jsonb_build_object('sessionId', repeat('x', 300)), '2026-01-01');
`.trim();

const PGBENCH = [18, 17, 16, 15]
  .map((version) => `/usr/lib/postgresql/${version}/bin/pgbench`)
  .find(existsSync);

/** Transactions a second that do nothing but insert the rows of a session. */
export class InsertingOnly {
  readonly means = PGBENCH ? `pgbench (${PGBENCH})` : 'a plain pg client, because pgbench is not installed';
  readonly #url: string;
  readonly #directory: string;

  private constructor(url: string, directory: string) {
    this.#url = url;
    this.#directory = directory;
  }

  static async prepare(url: string): Promise<InsertingOnly> {
    const directory = await mkdtemp(path.join(tmpdir(), 'maskline-pgbench-'));
    const script = `\\set id random(100000000, 9000000000000)\nbegin;\n${INSERTS}\nend;\n`;
    await writeFile(path.join(directory, 'insert.sql'), script);
    return new InsertingOnly(url, directory);
  }

  rate(connections: number, seconds: number): Promise<number> {
    return PGBENCH
      ? this.#withPgbench(PGBENCH, connections, seconds)
      : this.#withClients(connections, seconds);
  }

  remove(): Promise<void> {
    return rm(this.#directory, { recursive: true, force: true });
  }

  async #withPgbench(program: string, connections: number, seconds: number): Promise<number> {
    const script = path.join(this.#directory, 'insert.sql');
    const clients = ['-c', String(connections), '-j', String(Math.min(2, connections))];
    const args = ['-n', '-M', 'prepared', ...clients, '-T', String(seconds), '-f', script, this.#url];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    await once(child, 'close');
    const rate = Number(/tps = ([0-9.]+)/.exec(output)?.[1]);
    if (!(rate > 0)) throw new Error(`pgbench said no rate:\n${output}`);
    return rate;
  }

  async #withClients(connections: number, seconds: number): Promise<number> {
    const texts = INSERTS.split(/;\n?/).filter((text) => text.trim() !== '');
    let next = 100_000_000;
    return withClients(this.#url, connections, seconds, async (client) => {
      const id = String(next++);
      await client.query('begin');
      for (const [n, text] of texts.entries()) await client.query(prepared(`insert_${n}`, text, id));
      await client.query('commit');
    });
  }
}

function prepared(name: string, text: string, id: string) {
  return { name, text: text.replaceAll(':id', '$1::text'), values: [id] };
}

/** The obvious way: look for something free, take it, write down what it is for. */
export function rivalRate(url: string, pool: string, connections: number, seconds: number): Promise<number> {
  const texts = INSERTS.split(/;\n?/).filter((text) => text.trim() !== '');
  let next = 9_000_000_000_000;
  return withClients(url, connections, seconds, async (client) => {
    const id = String(next++);
    await client.query('begin');
    const found = await client.query({
      name: 'rival_choose',
      text: `select virtual_number from maskline.virtual_number
              where tenant = $1 and pool = $2 and state = 'in_service' and idle_at is not null
              order by random() limit 2 for update skip locked`,
      values: [TENANT, pool],
    });
    const numbers = found.rows.map((row) => row.virtual_number as string);
    if (numbers.length === 2) {
      await client.query({
        name: 'rival_take',
        text: 'update maskline.virtual_number set idle_at = null, last_session_id = $2 where virtual_number = any($1)',
        values: [numbers, id],
      });
      for (const [n, text] of texts.entries()) await client.query(prepared(`insert_${n}`, text, id));
    }
    await client.query('commit');
    return numbers.length === 2;
  });
}

/** How often `work` is done in a second; a `false` of it ends the measurement. */
async function withClients(
  url: string,
  connections: number,
  seconds: number,
  work: (client: Client) => Promise<unknown>,
): Promise<number> {
  const clients = Array.from({ length: connections }, () => new Client({ connectionString: url }));
  await Promise.all(clients.map((client) => client.connect()));
  let count = 0;
  let goesOn = true;
  const from = performance.now();
  const until = from + 1_000 * seconds;
  await Promise.all(
    clients.map(async (client) => {
      while (goesOn && performance.now() < until) {
        if ((await work(client)) === false) goesOn = false;
        else count++;
      }
    }),
  );
  const rate = (1_000 * count) / (performance.now() - from);
  await Promise.all(clients.map((client) => client.end()));
  return rate;
}
