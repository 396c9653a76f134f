import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pagesFingerprint } from './pages/pages-fingerprint.ts';

/** The workspace of the demo: its `app/` is built into its `dist/`. */
const WORKSPACE = join(import.meta.dirname, '..');
/** Where the built pages are; what `startDelivery` takes as `assetsDir`. */
export const PAGES_DIRECTORY = join(WORKSPACE, 'dist');

const STAMP = join(PAGES_DIRECTORY, '.fingerprint');
const BUILD_TIMEOUT_MS = 120_000;
/** Of what a failed build says, the end is what matters. */
const OUTPUT_LENGTH_MAXIMUM = 4_000;

export interface BuildPagesOptions {
  /** builds even when nothing has changed */
  readonly force?: boolean;
  readonly log: { info(fields: object, message: string): void };
}

/**
 * Builds the pages in a child process, unless they were built from the very same sources before.
 * @throws Error with the end of the build's output
 */
export async function buildPages({ force = false, log }: BuildPagesOptions): Promise<void> {
  // A published package brings built pages and no sources.
  if (!existsSync(join(WORKSPACE, 'vite.config.ts')) && existsSync(join(PAGES_DIRECTORY, 'index.html')))
    return;
  const fingerprint = await pagesFingerprint(WORKSPACE);
  if (!force && (await readStamp()) === fingerprint) return;
  log.info({ directory: PAGES_DIRECTORY }, 'building the pages of the delivery company');
  await runVite();
  // Written last, so that a build that was cut off counts as none.
  await writeFile(STAMP, fingerprint);
}

async function readStamp(): Promise<string | null> {
  return readFile(STAMP, 'utf8').catch(() => null);
}

function runVite(): Promise<void> {
  const vite = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin', 'vite.js');
  const child = spawn(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    cwd: WORKSPACE,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: BUILD_TIMEOUT_MS,
    env: { ...process.env, NODE_ENV: 'production' },
  });
  let output = '';
  const collect = (chunk: Buffer): void => {
    output = (output + chunk.toString('utf8')).slice(-OUTPUT_LENGTH_MAXIMUM);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`The build of the pages ended with ${signal ?? code}:\n${output}`));
    });
  });
}
