import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { seededRandom } from '../../lib/random.ts';
import { migrate } from '../migrate.ts';
import { statement, tenantScope } from '../sql/connection.ts';
import { StorageError } from '../storage-error.ts';
import { databaseUrl, runAsAdmin } from '../testing/open-test-postgres.ts';
import { type PostgresServer, startPostgresServer } from '../testing/postgres-server.ts';
import { openPostgres } from './open-postgres.ts';
import type { PostgresDatabase } from './postgres-database.ts';

const directory = fileURLToPath(new URL('../testing/ledger-migrations/', import.meta.url));
const acme = tenantScope('acme');
const insert = statement('ledger_insert', 'insert into ledger (tenant, id) values ($1, $2)');
const selectIds = statement('ledger_ids', 'select id from ledger');

/** Writes rows, one after the other, and remembers what it was told about each. */
class Writer {
  readonly acknowledged = new Map<number, number>();
  readonly unknown: number[] = [];
  #running = true;

  async run(database: PostgresDatabase, firstId: number): Promise<void> {
    for (let id = firstId; this.#running; id++) {
      try {
        await database.transaction(acme, (connection) => connection.query(insert, ['acme', id]));
        this.acknowledged.set(id, performance.now());
      } catch (error) {
        if (!(error instanceof StorageError) || error.code === 'constraint') throw error;
        if (error.code !== 'unavailable') this.unknown.push(id);
      }
    }
  }

  stop(): void {
    this.#running = false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('It did not happen within 10 s.');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe.runIf(process.env.MASKLINE_TEST_POSTGRES === '1')('a server that goes away and comes back', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    // Written to the operating system before it is acknowledged, which a killed process does not take along.
    server = await startPostgresServer({ synchronous_commit: 'on', full_page_writes: 'on' });
  });
  afterAll(() => server?.stop());

  it.each(['fast', 'crash'] as const)('(%s): nothing acknowledged is lost, and work goes on', async (how) => {
    await runAsAdmin(server.url, `create database restart_${how}`);
    const connectionString = databaseUrl(server.url, `restart_${how}`);
    const database = await openPostgres({
      connectionString,
      clock: systemClock,
      random: seededRandom(1),
      poolSize: 4,
    });
    await migrate(database, { directory, clock: systemClock });
    const writers = [1, 2, 3, 4].map(() => new Writer());
    const running = writers.map((writer, i) => writer.run(database, i * 1_000_000));
    await until(() => writers.every(({ acknowledged }) => acknowledged.size > 50));
    await server.halt(how);
    await server.resume();
    const resumedAt = performance.now();
    const lastOf = (writer: Writer): number => [...writer.acknowledged.values()].at(-1) ?? 0;
    await until(() => writers.every((writer) => lastOf(writer) > resumedAt));
    expect(performance.now() - resumedAt).toBeLessThan(4_000);
    for (const writer of writers) writer.stop();
    await Promise.all(running);
    const rows = await database.run(acme, (connection) => connection.query<{ id: number }>(selectIds));
    const found = new Set(rows.map(({ id }) => id));
    const told = new Set(
      writers.flatMap(({ acknowledged, unknown }) => [...acknowledged.keys(), ...unknown]),
    );
    const lost = writers.flatMap(({ acknowledged }) =>
      [...acknowledged.keys()].filter((id) => !found.has(id)),
    );
    expect(lost).toEqual([]);
    // What was called unavailable did not happen.
    expect([...found].filter((id) => !told.has(id))).toEqual([]);
    await database.close();
  });
});
