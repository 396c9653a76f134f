// A program for tests: opens the embedded database in a directory and writes rows until it is killed. It prints
// `open`, then `acked <id>` for each row once its commit was acknowledged; or `refused after <ms>: <message>`.
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../lib/clock.ts';
import { openPglite } from '../pglite/open-pglite.ts';
import { statement, tenantScope } from '../sql/connection.ts';
import { migratedPreset } from './open-test-database.ts';

const [directory = '', firstId = '1'] = process.argv.slice(2);
const insert = statement('ledger_insert', 'insert into ledger (tenant, id, note) values ($1, $2, $3)');

const preset = await migratedPreset(fileURLToPath(new URL('ledger-migrations/', import.meta.url)));

const startedAt = performance.now();
try {
  const database = await openPglite({ dataDir: directory, clock: systemClock, syncDelayMs: 100, preset });
  console.log('open');
  for (let id = Number(firstId); ; id++) {
    await database.transaction(tenantScope('acme'), (c) => c.query(insert, ['acme', id, `row ${id}`]));
    // Synchronous on a pipe, so that the output of a killed process holds all that it acknowledged.
    console.log(`acked ${id}`);
  }
} catch (error) {
  console.log(
    `refused after ${Math.round(performance.now() - startedAt)}: ${error instanceof Error ? error.message : String(error)}`,
  );
}
