import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

export interface MigrationFile {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  /** of the bytes, hexadecimal */
  readonly sha256: string;
}

/**
 * Reads `000001-name.sql`, `000002-name.sql` … in order. @throws Error when a number is missing or there twice:
 * two branches that were merged have then taken the same number
 */
export async function readMigrationFiles(directory: string): Promise<readonly MigrationFile[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort();
  const files: MigrationFile[] = [];
  for (const fileName of names) {
    const parts = /^(\d{6})-([a-z0-9-]+)\.sql$/.exec(fileName);
    const number = Number(parts?.[1]);
    const name = parts?.[2];
    if (name === undefined)
      throw new Error(`Migration ${fileName} is not named like 000001-what-it-does.sql.`);
    if (number !== files.length + 1) {
      throw new Error(`Migration ${fileName} should have number ${files.length + 1}; numbers have no gaps.`);
    }
    const bytes = await readFile(path.join(directory, fileName));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    files.push({ number, name, sql: bytes.toString('utf8'), sha256 });
  }
  return files;
}
