import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
const PAGES = ['docs/security.md', 'docs/asvs.md'] as const;

const FOLDERS = ['src', 'test', 'sip', 'simulation', 'bench', 'demos/delivery/server'];
const baseNames = new Set(
  FOLDERS.flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => !file.includes('node_modules'))
      .map((file) => path.basename(file)),
  ),
);

/** A name without a folder may stand anywhere in the sources. */
function isThere(file: string): boolean {
  return file.includes('/') ? existsSync(path.join(ROOT, file)) : baseNames.has(file);
}

function namedFiles(page: string): string[] {
  const quoted = [...read(page).matchAll(/`([\w@./-]+\.ts)`/g)].map(([, file]) => file as string);
  const pages = [...read(page).matchAll(/\b(docs\/[\w./-]+\.(?:md|json))/g)].map(
    ([, file]) => file as string,
  );
  return [...quoted, ...pages];
}

describe.each(PAGES)('%s', (page) => {
  it('names only tests and pages that are there', () => {
    const named = namedFiles(page);
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter((file) => !isThere(file))).toEqual([]);
  });
});

describe('docs/asvs.md', () => {
  const rows = read('docs/asvs.md')
    .split('## Level 3')[0]
    ?.match(/^\| \d+\.\d+\.\d+ \|.*\|$/gm)
    ?.map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, -1),
    ) as string[][];

  it('has one line for each of the 70 requirements of level 1 and the 183 of level 2', () => {
    expect(rows.filter(([, level]) => level === '1')).toHaveLength(70);
    expect(rows.filter(([, level]) => level === '2')).toHaveLength(183);
    expect(new Set(rows.map(([id]) => id)).size).toBe(253);
  });

  it('says of each how it stands, and why', () => {
    const bad = rows.filter(
      ([, , title = '', state = '', reason = '']) =>
        title === '' || reason.length < 4 || !['done', 'part', 'yours', 'n/a'].includes(state),
    );
    expect(bad).toEqual([]);
    // What is done is shown by a test, or is a page, or is a matter of how the thing is built.
    const done = rows.filter(([, , , state]) => state === 'done');
    const shown = done.filter(([, , , , reason = '']) =>
      /\.test\.ts`|conformance|docs\/|npm run|below|as \d/.test(reason),
    );
    expect(shown.length / done.length).toBeGreaterThan(0.94);
  });
});

describe('docs/security.md', () => {
  it('has a line for every item of the list', () => {
    const text = read('docs/security.md');
    const numbers = [...Array(8)].map((_, i) => i + 1);
    const ids = [
      ...numbers,
      ...[10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
      ...[20, 21, 22, 23, 24, 25, 26, 27, 28],
      ...[30, 31, 32, 33, 34, 35, 36, 37, 38],
      ...[40, 41, 42, 43, 44, 45, 50, 51, 52, 53, 54, 55],
    ].map((id) => String(id).padStart(2, '0'));
    const rows = text.match(/^\| SEC-.*\|$/gm)?.join('\n') ?? '';
    expect(ids.filter((id) => !new RegExp(`\\b${id}[a-d]?\\b`).test(rows))).toEqual([]);
  });
});

describe('what runs', () => {
  interface Locked {
    readonly dependencies?: Record<string, string>;
    readonly optional?: boolean;
    readonly integrity?: string;
    readonly resolved?: string;
    readonly hasInstallScript?: boolean;
  }
  const manifest = JSON.parse(read('package.json')) as {
    readonly dependencies: Record<string, string>;
    readonly files: readonly string[];
    readonly scripts: Record<string, string>;
  };
  const locked = (JSON.parse(read('package-lock.json')) as { readonly packages: Record<string, Locked> })
    .packages;

  function placeOf(from: string, name: string): string | null {
    for (let folder = from; ; ) {
      const place = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
      if (locked[place]) return place;
      if (folder === '') return null;
      folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1));
    }
  }

  function running(): string[] {
    const found = new Set<string>();
    const waiting = [''];
    for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
      for (const name of Object.keys(locked[place]?.dependencies ?? {})) {
        const next = placeOf(place, name);
        if (next && !found.has(next)) waiting.push(next);
        if (next) found.add(next);
      }
    }
    return [...found];
  }

  it('is 15 direct packages and not more than 160 in all, each locked with its digest and from the registry', () => {
    expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(15);
    const packages = running();
    console.info(`${packages.length} packages run beside real numbers.`);
    expect(packages.length).toBeGreaterThan(50);
    expect(packages.length).toBeLessThanOrEqual(160);
    const loose = packages.filter((place) => !locked[place]?.integrity?.startsWith('sha512-'));
    expect(loose).toEqual([]);
    expect(packages.filter((place) => locked[place]?.hasInstallScript)).toEqual([]);
  });

  it('is published without tests, sources or history', () => {
    expect([...manifest.files].sort()).toEqual(['deploy', 'dist', 'docs']);
  });
});
