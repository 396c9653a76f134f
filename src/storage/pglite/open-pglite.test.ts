import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { statement, tenantScope } from '../sql/connection.ts';
import { startTestProcess } from '../testing/child-process.ts';
import { migratedPreset } from '../testing/open-test-database.ts';
import { type OpenPgliteOptions, openPglite } from './open-pglite.ts';
import type { PgliteDatabase } from './pglite-database.ts';

const migrations = fileURLToPath(new URL('../testing/ledger-migrations/', import.meta.url));
const acme = tenantScope('acme');
const insert = statement('ledger_insert', 'insert into ledger (tenant, id) values ($1, $2)');
const selectIds = statement('ledger_ids', 'select id from ledger order by id');

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'maskline-pglite-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function open(options: Partial<OpenPgliteOptions> = {}): Promise<PgliteDatabase> {
  const preset = await migratedPreset(migrations);
  return openPglite({ dataDir: path.join(directory, 'db'), clock: systemClock, preset, ...options });
}

async function idsOf(database: PgliteDatabase): Promise<readonly number[]> {
  const rows = await database.run(acme, (connection) => connection.query<{ id: number }>(selectIds));
  return rows.map(({ id }) => id);
}

async function write(database: PgliteDatabase, id: number): Promise<void> {
  await database.run(acme, (connection) => connection.query(insert, ['acme', id]));
}

describe('openPglite', () => {
  it('refuses both scopes before the migrations, and says what to do', async () => {
    const database = await openPglite({ dataDir: null, clock: systemClock });
    await expect(write(database, 1)).rejects.toThrow('maskline migrate');
    await database.close();
  });

  it('finds everything again after a clean end', async () => {
    const first = await open();
    await write(first, 1);
    await first.close();
    const second = await open();
    expect(await idsOf(second)).toEqual([1]);
    await second.close();
  });

  it('starts over when the process was killed while it made the directory', async () => {
    const first = await open();
    await write(first, 1);
    await first.close();
    await rm(path.join(directory, 'db/pgdata/global'), { recursive: true });
    await expect(open()).rejects.toThrow('could not start');
    await writeFile(path.join(directory, 'db/creating'), '');
    const second = await open();
    expect(await idsOf(second)).toEqual([]);
    await second.close();
  });

  it('refuses a second process in under 2 s, and loses no acknowledged row to kill -9', {
    timeout: 60_000,
  }, async () => {
    const data = path.join(directory, 'db');
    let acknowledged = 0;
    for (let round = 1; round <= 5; round++) {
      const writer = startTestProcess('ledger-writer.ts', [data, `${acknowledged + 1000 * round}`]);
      await writer.lineStarting('open');
      if (round === 1) {
        const second = startTestProcess('ledger-writer.ts', [data]);
        const refusal = await second.lineStarting('refused');
        expect(refusal).toContain(`in use by process ${writer.child.pid}`);
        expect(Number(/after (\d+):/.exec(refusal)?.[1])).toBeLessThan(2_000);
        await second.kill();
      }
      await writer.lineStarting(`acked ${acknowledged + 1000 * round + 20 * round}`);
      await writer.kill();
      const acked = writer.lines
        .filter((line) => line.startsWith('acked '))
        .map((line) => Number(line.slice(6)));
      const database = await open();
      const found = new Set(await idsOf(database));
      expect(acked.length).toBeGreaterThan(0);
      expect(acked.filter((id) => !found.has(id))).toEqual([]);
      acknowledged = Math.max(...found);
      await database.close();
    }
  });

  it('refuses what waits too long, and whoever comes after it was closed', async () => {
    const clock = new ManualClock();
    const database = await open({ dataDir: null, clock, acquireTimeoutMs: 50 });
    let finish = (): void => {};
    let busy: Promise<void> = Promise.resolve();
    await new Promise<void>((started) => {
      busy = database.transaction(acme, () => {
        started();
        return new Promise((resolve) => {
          finish = resolve;
        });
      });
    });
    const waiting = write(database, 1);
    clock.advance(50);
    await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
    finish();
    await busy;
    await database.close();
    await expect(write(database, 2)).rejects.toMatchObject({ code: 'unavailable' });
    await database.close();
  });
});

describe('the sync guard', () => {
  it('syncs some time after a write, and not without one', async () => {
    const clock = new ManualClock();
    const database = await open({ clock, syncDelayMs: 1_000 });
    await database.sync();
    const before = database.syncStatus?.syncs ?? 0;
    clock.advance(10_000);
    await write(database, 1);
    clock.advance(999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(database.syncStatus).toMatchObject({ syncs: before });
    expect(database.syncStatus?.pending).toBeGreaterThan(0);
    clock.advance(1);
    await vi.waitFor(
      () => expect(database.syncStatus).toMatchObject({ syncs: before + 1, pending: 0 }),
      10_000,
    );
    expect(database.syncStatus).toMatchObject({ failures: 0, lastSyncAt: clock.now() });
    await database.close();
  });

  it('leaves on the disk what opens again with everything written before', async () => {
    const database = await open();
    for (let id = 1; id <= 20; id++) await write(database, id);
    await database.sync();
    // As after a power cut in which nothing but the synced files survived.
    await cp(path.join(directory, 'db/pgdata'), path.join(directory, 'cut/pgdata'), { recursive: true });
    await write(database, 21);
    const survivor = await open({ dataDir: path.join(directory, 'cut') });
    expect(await idsOf(survivor)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    await survivor.close();
    await database.close();
  });
});
