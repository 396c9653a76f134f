import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAsAdmin } from '../../src/storage/testing/open-test-postgres.ts';
import { BROKERS, LEFT_OUT } from '../production/kafka-topics.ts';
import { until } from '../system/product.ts';
import { FaultWorld } from './fault-world.ts';
import { LONG, limit, note } from './long-form.ts';

const MEGABYTES = 200;
const reason =
  BROKERS === null
    ? LEFT_OUT
    : userInfo().uid !== 0
      ? 'was left out, because only root may mount a small volume'
      : LONG
        ? null
        : 'was left out, because it takes a minute (MASKLINE_FAULTS=long)';

if (BROKERS === null || reason !== null) {
  describe('a full disk', () => {
    it(reason ?? '', (context) => context.skip());
  });
} else {
  const brokers = BROKERS;
  const volume = mkdtempSync(path.join(tmpdir(), 'maskline-volume-'));
  let world: FaultWorld;

  beforeAll(async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${MEGABYTES}m`, 'tmpfs', volume]);
    chmodSync(volume, 0o755);
    const usual = process.env.TMPDIR;
    process.env.TMPDIR = volume;
    try {
      world = await FaultWorld.start({
        brokers,
        callsPerSecond: 50,
        ordersPerSecond: 8,
        postgres: { max_wal_size: '32MB', min_wal_size: '32MB', fsync: 'on' },
      });
    } finally {
      if (usual === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = usual;
    }
    await world.phase('warm-up', () => world.passed(1_500));
  });
  afterAll(async () => {
    await world?.stop();
    execFileSync('umount', [volume]);
    rmSync(volume, { recursive: true, force: true });
  });

  /** Takes what is left of the volume, to the last byte. */
  function fill(): string {
    const ballast = path.join(volume, 'ballast');
    const file = openSync(ballast, 'a');
    for (const size of [1024 * 1024, 4_096]) {
      try {
        for (;;) writeSync(file, Buffer.alloc(size));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
    closeSync(file);
    return ballast;
  }

  const runs = (): Promise<boolean> =>
    runAsAdmin(world.deployment.server.url, 'select 1').then(
      () => true,
      () => false,
    );

  describe('a full disk', () => {
    it('FLT-18: the volume of the database is full for a while: nothing is lost, and it goes on', async () => {
      let hadStopped = false;
      const report = await world.phase('full', async () => {
        // A server writes on for a while in what it has; that is taken as well.
        const ballast = fill();
        for (let i = 0; i < 20; i++) {
          await world.passed(1_000);
          fill();
        }
        hadStopped = !(await runs());
        rmSync(ballast);
      });
      const freedAt = performance.now();
      // What a supervisor does: a server that gave up in its recovery is started again.
      await world.passed(2_000);
      if (!(await runs())) {
        hadStopped = true;
        await world.deployment.server.halt('fast').catch(() => {});
        await world.deployment.server.resume();
      }
      const before = world.calls.connectedIn('after full');
      await until('calls', () => world.calls.connectedIn('after full') > before + 10, 60_000);
      const recoveryMs = Math.round(performance.now() - freedAt);
      const after = await world.phase('freed', () => world.passed(5_000));
      note('FLT-18', { hadStopped, recoveryMs, report, after });
      expect(report).toMatchObject({ unanswered: 0, misrouted: 0, late: 0 });
      expect(after).toMatchObject({ unanswered: 0, misrouted: 0, late: 0 });
      expect(recoveryMs).toBeLessThan(limit(10_000));
      world.assertAlive();
      note('FLT-18 history', await world.check());
    });
  });
}
