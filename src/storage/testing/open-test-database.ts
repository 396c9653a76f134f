import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { type OpenPgliteOptions, openPglite } from '../pglite/open-pglite.ts';
import type { PgliteDatabase } from '../pglite/pglite-database.ts';
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

/** A fresh, migrated database in memory, in about 200 ms. The test closes it. */
export async function openTestDatabase(options: TestDatabaseOptions = {}): Promise<PgliteDatabase> {
  const { directory = productMigrations, clock = systemClock } = options;
  return openPglite({ dataDir: null, clock, preset: await migratedPreset(directory) });
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
