import { cpSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A version that differs from this one by a migration, as an expanding one would be. Returns its directory. */
export function nextVersion(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'maskline-next-'));
  for (const part of ['src', 'simulator', 'package.json', 'tsconfig.json'])
    cpSync(path.join(ROOT, part), path.join(directory, part), { recursive: true });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(directory, 'node_modules'));
  const migrations = path.join(directory, 'src/storage/migrations');
  const latest = Math.max(...readdirSync(migrations).map((name) => Number.parseInt(name, 10) || 0));
  const name = `${String(latest + 1).padStart(6, '0')}-next-version.sql`;
  writeFileSync(path.join(migrations, name), 'alter table tenant add column of_next_version text;\n');
  return directory;
}
