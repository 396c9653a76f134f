import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../lib/clock.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { migrate } from '../migrate.ts';
import { readMigrationFiles } from '../migration-files.ts';
import { openPglite } from '../pglite/open-pglite.ts';
import { statement } from '../sql/connection.ts';

const cacheDirectory = fileURLToPath(new URL('../../../node_modules/.cache/maskline/', import.meta.url));
/** To be raised when the way in which a template is made changes. */
const FORMAT = 1;
const KEPT_TEMPLATES = 6;

/**
 * A migrated, empty database as a tar file. Making one takes two seconds, so that it is kept on the disk, under a
 * name that changes with the migrations and with the engine; every test file and every run then shares it.
 */
export async function migratedTemplate(directory: string): Promise<Buffer<ArrayBuffer>> {
  const file = path.join(cacheDirectory, `template-${await fingerprint(directory)}.tar`);
  if (existsSync(file)) {
    await touch(file);
    return readFile(file);
  }
  const content = await makeTemplate(directory);
  // Whoever may not write here makes it anew each time.
  await keep(file, content).catch(() => {});
  return content;
}

async function keep(file: string, content: Uint8Array): Promise<void> {
  await mkdir(cacheDirectory, { recursive: true });
  const temporary = `${file}.${randomUUID().slice(0, 8)}`;
  await writeFile(temporary, content);
  await rename(temporary, file);
  await removeOldTemplates();
}

async function makeTemplate(directory: string): Promise<Buffer<ArrayBuffer>> {
  const clock = new ManualClock();
  const database = await openPglite({ dataDir: null, clock });
  try {
    await migrate(database, { directory, clock });
    // PostgreSQL's own templates are two thirds of what every clone would have to copy.
    await database.asOwner(async (session) => {
      await session.query(statement('open_templates', 'update pg_database set datistemplate = false'));
      for (const name of ['template0', 'template1']) {
        await session.query(statement(`drop_${name}`, `drop database ${name}`));
      }
      await session.query(statement('checkpoint', 'checkpoint'));
    });
    return Buffer.from(await (await database.dump()).arrayBuffer());
  } finally {
    await database.close();
  }
}

async function fingerprint(directory: string): Promise<string> {
  const hash = createHash('sha256').update(`${FORMAT}`);
  for (const file of await readMigrationFiles(directory)) hash.update(file.sha256);
  const engine = import.meta.resolve('@electric-sql/pglite');
  hash.update(await readFile(new URL('../package.json', engine)));
  const ours = ['../migrate.ts', '../migration-roles.ts', '../confinement.ts', '../pglite/start-engine.ts'];
  for (const file of ours) hash.update(await readFile(new URL(file, import.meta.url)));
  return hash.digest('hex').slice(0, 24);
}

async function touch(file: string): Promise<void> {
  const now = new Date(systemClock.now());
  await utimes(file, now, now).catch(() => {});
}

async function removeOldTemplates(): Promise<void> {
  const names = (await readdir(cacheDirectory)).filter((name) => name.startsWith('template-'));
  const byAge = await Promise.all(
    names.map(async (name) => ({ name, usedAt: (await stat(path.join(cacheDirectory, name))).mtimeMs })),
  );
  byAge.sort((a, b) => b.usedAt - a.usedAt);
  for (const { name } of byAge.slice(KEPT_TEMPLATES))
    await rm(path.join(cacheDirectory, name), { force: true });
}
