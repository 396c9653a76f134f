import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { awaitDatabase } from './await-database.ts';
import { ManualClock } from './lib/manual-clock.ts';
import { seededRandom } from './lib/random.ts';
import { StorageError } from './storage/storage-error.ts';

const away = new StorageError('unavailable', 'No database can be used: db:5432: ECONNREFUSED');

function start(limitMs: number, open: () => Promise<string>) {
  const clock = new ManualClock(0);
  const warnings: object[] = [];
  const log = { warn: (fields: object) => void warnings.push(fields) };
  const opened = awaitDatabase(open, { limitMs, clock, random: seededRandom(1), log: log as never });
  opened.catch(() => {});
  return { clock, warnings, opened };
}

/** Moves the clock in small steps, at most a minute, until it is so. */
async function advance(clock: ManualClock, isSo: () => boolean): Promise<void> {
  for (const until = clock.now() + 60_000; !isSo() && clock.now() < until; clock.advance(10)) await turn();
}

describe('waiting for the database', () => {
  it('opens it when it is there, and says meanwhile what it waits for', async () => {
    let attempts = 0;
    const { clock, warnings, opened } = start(60_000, async () => {
      if (++attempts < 4) throw away;
      return 'database';
    });
    await advance(clock, () => attempts === 4);
    expect(await opened).toBe('database');
    expect(warnings).toHaveLength(3);
    expect(warnings[0]).toMatchObject({ reason: away.message });
  });

  it('gives up after the time that it was given, with the reason', async () => {
    let attempts = 0;
    const { clock, opened } = start(10_000, async () => {
      attempts++;
      throw away;
    });
    let ended = false;
    opened.catch(() => {
      ended = true;
    });
    await advance(clock, () => ended);
    await expect(opened).rejects.toBe(away);
    expect(clock.now()).toBeGreaterThanOrEqual(10_000);
    expect(clock.now()).toBeLessThan(10_100);
    expect(attempts).toBeGreaterThan(3);
  });

  it('tries once when it is given no time, and does not wait for what will not pass', async () => {
    await expect(start(0, async () => Promise.reject(away)).opened).rejects.toBe(away);
    const other = new StorageError('other', 'The schema is another.');
    await expect(start(60_000, async () => Promise.reject(other)).opened).rejects.toBe(other);
  });
});
