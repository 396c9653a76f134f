import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

function sources(folder: string, ending: string): { name: string; text: string }[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && !/node_modules|\.test\.ts$|\/testing\/|conformance/.test(file))
    .map((file) => ({
      name: `${folder}/${file}`,
      text: readFileSync(path.join(ROOT, folder, file), 'utf8'),
    }));
}

function offenders(
  files: readonly { name: string; text: string }[],
  pattern: RegExp,
  allowed: readonly string[],
): string[] {
  return files
    .filter(({ name, text }) => pattern.test(text) && !allowed.includes(name))
    .map(({ name }) => name);
}

const product = [...sources('src', '.ts'), ...sources('simulator', '.ts')];

describe('house rules', () => {
  it('reads the clock and sets timers in one place, so that a simulation can own the time (INV-38)', () => {
    const reads = /Date\.now\(|new Date\(\)|performance\.now\(|\bsetTimeout\(|\bsetInterval\(/;
    expect(offenders(product, reads, ['src/lib/clock.ts'])).toEqual([]);
  });

  it('draws randomness in one place; names of temporary files may be random, because nothing is decided by them', () => {
    const draws = /Math\.random\(|\brandomBytes\(|\brandomUUID\(|\brandomInt\(/;
    const allowed = [
      'src/lib/random.ts',
      // A command that it tells people to type.
      'src/master-key-settings.ts',
      'src/storage/pglite/lock-holder.ts',
      'src/storage/pglite/directory-lock.ts',
    ];
    expect(offenders(product, draws, allowed)).toEqual([]);
  });

  it('asks no database for the time or for chance, but where the doctor compares the clocks', () => {
    const statements = product.filter(({ text }) => text.includes('statement('));
    const migrations = sources('src/storage/migrations', '.sql').map(({ name, text }) => ({
      name,
      text: text.replace(/--.*$/gm, ''),
    }));
    const asks =
      /\b(?:now|random|gen_random_uuid|clock_timestamp|statement_timestamp)\(\)(?!\s*[,)]?\s*=>)|current_timestamp/i;
    const sql = statements.map(({ name, text }) => ({
      name,
      text: (text.match(/statement\(\s*'[^']*',\s*(`[^`]*`|'[^']*')/g) ?? []).join('\n'),
    }));
    expect(statements.length).toBeGreaterThan(5);
    expect(offenders([...sql, ...migrations], asks, ['src/commands/examine-database.ts'])).toEqual([]);
  });

  it('names each statement once, so that a prepared one is the one that was meant', () => {
    const names = product.flatMap(({ text }) =>
      [...text.matchAll(/\bstatement\(\s*'([a-z0-9_]+)'/g)].map((match) => match[1]),
    );
    expect(names.length).toBeGreaterThan(50);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  it('reveals a real number in few places, each of which answers for where the text goes', () => {
    const reveals = product
      .filter(({ text }) => /\.reveal\(\)/.test(text))
      .map(({ name }) => name.replace(/^src\/providers\/.*/, 'src/providers/…'));
    expect([...new Set(reveals)].sort()).toEqual(
      [
        'src/app/holders.ts',
        // Both ask our own store whether it is one of our virtual numbers.
        'src/app/refuse-participants.ts',
        'src/app/step-up.ts',
        'src/http/api/route-decision-component.ts',
        'src/privacy/tenant-keys.ts',
        'src/providers/…',
      ].sort(),
    );
  });

  it('reads the environment in the settings and at the terminal only', () => {
    const allowed = /^src\/(cli\.ts|config\.ts|settings-reader\.ts|commands\/)/;
    expect(
      product
        .filter(({ name, text }) => /process\.env/.test(text) && !allowed.test(name))
        .map(({ name }) => name),
    ).toEqual([]);
  });
});
