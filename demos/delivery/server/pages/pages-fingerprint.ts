import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What the built pages are made of, relative to the workspace: folders and files. */
const SOURCES = ['app', 'server/api-types.ts', 'vite.config.ts', 'package.json', '../../package-lock.json'];

/** A digest of everything that goes into the build; equal sources give equal digests on every machine. */
export async function pagesFingerprint(workspace: string): Promise<string> {
  const digest = createHash('sha256');
  for (const source of SOURCES) {
    for (const file of await filesOf(workspace, source)) {
      const content = await readFile(join(workspace, file));
      digest.update(`${file}\0${content.byteLength}\0`).update(content);
    }
  }
  return digest.digest('hex');
}

/** The file or the files at `source`, sorted; none when there is nothing. Tests are no part of a build. */
async function filesOf(workspace: string, source: string): Promise<string[]> {
  const path = join(workspace, source);
  const kind = await stat(path).catch(() => null);
  if (!kind) return [];
  if (!kind.isDirectory()) return [source];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.includes('.test.'))
    .map((entry) => join(entry.parentPath, entry.name).slice(workspace.length + 1))
    .sort();
}
