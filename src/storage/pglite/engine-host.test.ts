import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, rmdir, statfs, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { seededRandom } from '../../lib/random.ts';
import { statement, tenantScope } from '../sql/connection.ts';
import { StorageError } from '../storage-error.ts';
import { migratedPreset } from '../testing/open-test-database.ts';
import { openPglite } from './open-pglite.ts';
import type { PgliteDatabase } from './pglite-database.ts';

const preset = await migratedPreset(fileURLToPath(new URL('../testing/ledger-migrations/', import.meta.url)));
const acme = tenantScope('acme');
const insert = statement('ledger_insert', 'insert into ledger (tenant, id, note) values ($1, $2, $3)');
const count = statement('ledger_count', 'select count(*) as n, max(id) as last from ledger');
const currentSegment = statement('segment', 'select pg_walfile_name(pg_current_wal_insert_lsn()) as name');
const random = seededRandom(7);
/** Random, so that nothing compresses it. */
const note = (): string => Buffer.from(random.bytes(1_500)).toString('hex');

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'maskline-engine-'));
});
afterEach(() => rm(directory, { recursive: true }));

/** Writes rows until one is refused. @returns how many were acknowledged, and the refusal */
async function writeUntilRefused(database: PgliteDatabase, firstId: number): Promise<[number, StorageError]> {
  for (let id = firstId; ; id++) {
    try {
      await database.run(acme, (connection) => connection.query(insert, ['acme', id, note()]));
    } catch (error) {
      if (error instanceof StorageError) return [id - firstId, error];
      throw error;
    }
  }
}

async function rowsOf(database: PgliteDatabase): Promise<number> {
  const [row] = await database.run(acme, (connection) => connection.query<{ n: number }>(count));
  return row?.n ?? -1;
}

describe('an engine that panics', () => {
  /** Lets the next new log segment fail: the reserve is removed, and something is in the way of its name. */
  async function breakTheLog(database: PgliteDatabase): Promise<string> {
    const log = path.join(directory, 'pgdata/pg_wal');
    const [segment] = await database.asOwner((session) => session.query<{ name: string }>(currentSegment));
    const reserve = (await readdir(log)).filter(
      (name) => /^[0-9A-F]{24}$/.test(name) && name > (segment?.name ?? ''),
    );
    expect(reserve.length).toBeGreaterThan(10);
    for (const name of reserve) await unlink(path.join(log, name));
    // The engine calls itself process 42.
    const obstacle = path.join(log, 'xlogtemp.42');
    await mkdir(obstacle);
    return obstacle;
  }

  it('fails the statement instead of hanging, and runs again on the same files once it can', async () => {
    const clock = new ManualClock();
    const database = await openPglite({ dataDir: directory, clock, preset });
    const obstacle = await breakTheLog(database);
    const [acknowledged, refusal] = await writeUntilRefused(database, 1);
    expect(refusal.code).toBe('commit_unknown');
    // It tries to start again, cannot, and waits a second before the next try.
    await expect(rowsOf(database)).rejects.toMatchObject({ code: 'unavailable' });
    await rmdir(obstacle);
    await expect(rowsOf(database)).rejects.toMatchObject({ code: 'unavailable' });
    clock.advance(1_000);
    const rows = await rowsOf(database);
    expect([acknowledged, acknowledged + 1]).toContain(rows);
    await database.run(acme, (connection) => connection.query(insert, ['acme', 1_000_000, note()]));
    await database.close();
    const reopened = await openPglite({ dataDir: directory, clock });
    expect(await rowsOf(reopened)).toBe(rows + 1);
    await reopened.close();
  });

  it('can be closed, which frees the directory', async () => {
    const database = await openPglite({ dataDir: directory, clock: systemClock, preset });
    const obstacle = await breakTheLog(database);
    const [acknowledged] = await writeUntilRefused(database, 1);
    await database.close();
    await rmdir(obstacle);
    const reopened = await openPglite({ dataDir: directory, clock: systemClock });
    expect(await rowsOf(reopened)).toBeGreaterThanOrEqual(acknowledged);
    await reopened.close();
  });
});

/** A file system of 80 MB in memory; null where we may not mount one. */
function mountSmallDisk(where: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=80m', 'tmpfs', where], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('a full disk', () => {
  it('fails writes as full, keeps reading, loses nothing, and writes again by itself', async (context) => {
    if (!mountSmallDisk(directory)) context.skip('a small file system can be mounted by root on Linux only');
    try {
      const dataDir = path.join(directory, 'db');
      const database = await openPglite({ dataDir, clock: systemClock, preset });
      const ballast = path.join(directory, 'ballast');
      const { bavail, bsize } = await statfs(directory);
      await writeFile(ballast, Buffer.alloc(bavail * bsize - 2_000_000));
      const [acknowledged, refusal] = await writeUntilRefused(database, 1);
      expect(refusal).toMatchObject({ code: 'full', sqlState: '53100' });
      expect(acknowledged).toBeGreaterThan(100);
      expect(await rowsOf(database)).toBe(acknowledged);
      await unlink(ballast);
      await database.run(acme, (connection) => connection.query(insert, ['acme', 1_000_000, note()]));
      await database.close();
      const reopened = await openPglite({ dataDir, clock: systemClock });
      expect(await rowsOf(reopened)).toBe(acknowledged + 1);
      await reopened.close();
    } finally {
      execFileSync('umount', [directory]);
    }
  });
});
