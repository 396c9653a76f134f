import { describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/manual-clock.ts';
import { AccountIds } from './account-ids.ts';

function create(stored: string[]) {
  const clock = new ManualClock();
  const asked = { times: 0, failing: false };
  const ids = new AccountIds(async () => {
    asked.times++;
    if (asked.failing) throw new Error('Storage is away.');
    return [...stored];
  }, clock);
  return { clock, asked, ids, stored };
}

describe('AccountIds', () => {
  it('asks storage once a second, however many unknown ids come', async () => {
    const { clock, asked, ids } = create(['acc_1']);
    for (let n = 0; n < 10_000; n++) expect(await ids.has(`acc_x${n}`)).toBe(false);
    expect(asked.times).toBe(1);
    await clock.advance(1_000);
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => ids.has(`acc_y${n}`)));
    expect(asked.times).toBe(2);
  });

  it('knows what there is, without asking again', async () => {
    const { clock, asked, ids } = create(['acc_1']);
    expect(await ids.has('acc_1')).toBe(true);
    await clock.advance(60_000);
    expect(await ids.has('acc_1')).toBe(true);
    expect(asked.times).toBe(1);
  });

  it('finds a new account within a second, also in a flood', async () => {
    const { clock, ids, stored } = create([]);
    expect(await ids.has('acc_2')).toBe(false);
    stored.push('acc_2');
    expect(await ids.has('acc_2')).toBe(false);
    await clock.advance(1_000);
    expect(await ids.has('acc_2')).toBe(true);
  });

  it('does not take a failure for an answer', async () => {
    const { asked, ids } = create(['acc_1']);
    asked.failing = true;
    await expect(ids.has('acc_1')).rejects.toThrow('away');
    asked.failing = false;
    expect(await ids.has('acc_1')).toBe(true);
  });

  it('forgets what is gone', async () => {
    const { ids, stored } = create(['acc_1']);
    expect(await ids.has('acc_1')).toBe(true);
    stored.pop();
    ids.forget('acc_1');
    expect(await ids.has('acc_1')).toBe(false);
  });
});
