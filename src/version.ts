import { readFileSync } from 'node:fs';

const manifest: unknown = JSON.parse(readFileSync(findManifest(), 'utf8'));

/** As in package.json. */
export const VERSION: string =
  typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';

/** The sources stand one folder below it, the published build two. */
function findManifest(): URL {
  const beside = new URL('../package.json', import.meta.url);
  return import.meta.url.includes('/dist/') ? new URL('../../package.json', import.meta.url) : beside;
}
