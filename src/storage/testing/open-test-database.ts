import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { OpenPgliteOptions } from '../pglite/open-pglite.ts';
import type { PgliteDatabase } from '../pglite/pglite-database.ts';
import { LentDatabases } from './lent-databases.ts';
import { MemoryBlob } from './memory-blob.ts';
import { migratedTemplate } from './migrated-template.ts';

export interface TestDatabaseOptions {
  /** default: the migrations of the product */
  readonly directory?: string;
  /** for the limits on waiting; default: the system's */
  readonly clock?: Clock;
}

export const productMigrations = fileURLToPath(new URL('../migrations/', import.meta.url));

const templates = new Map<string, Promise<MemoryBlob>>();
let bundle: Promise<Blob> | undefined;

const lenders = new Map<string, LentDatabases>();

/** An empty, migrated database in memory. The test closes it, which lets the next have what it was made of. */
export async function openTestDatabase(options: TestDatabaseOptions = {}): Promise<PgliteDatabase> {
  const { directory = productMigrations, clock = systemClock } = options;
  let lender = lenders.get(directory);
  if (!lender) {
    lender = new LentDatabases(() => migratedPreset(directory));
    lenders.set(directory, lender);
  }
  return lender.lend(clock);
}

/** For `openPglite`: a migrated database to start from, in memory or in a directory. */
export async function migratedPreset(directory: string): Promise<NonNullable<OpenPgliteOptions['preset']>> {
  let template = templates.get(directory);
  if (!template) {
    template = migratedTemplate(directory).then((content) => new MemoryBlob(content));
    templates.set(directory, template);
  }
  bundle ??= readBundle();
  return { fsBundle: await bundle, loadDataDir: await template };
}

/** The files that the engine starts with, read once for all databases of a test file. */
async function readBundle(): Promise<Blob> {
  const main = import.meta.resolve('@electric-sql/pglite');
  return new MemoryBlob(await readFile(new URL('pglite.data', main)));
}
