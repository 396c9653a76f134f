import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * `npm run build`: what the published package runs, in dist/. In development nothing is built, because Node runs
 * the sources.
 */
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const DIST = path.join(ROOT, 'dist');

rmSync(DIST, { recursive: true, force: true });
run('npx', ['tsc', '-p', 'tsconfig.build.json']);
run('npm', ['run', '--silent', 'build', '--workspace', 'demos/delivery']);
// What is read at run time and is no TypeScript.
copy('src/storage/migrations');
copy('demos/delivery/dist');

function copy(folder: string): void {
  cpSync(path.join(ROOT, folder), path.join(DIST, folder), { recursive: true });
}

function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
