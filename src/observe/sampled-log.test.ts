import { describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/manual-clock.ts';
import { SampledLog } from './sampled-log.ts';

describe('SampledLog', () => {
  it('lets a few lines of a second through, and says later how many it left out', async () => {
    const clock = new ManualClock();
    const sampled = new SampledLog(clock, 3);
    const lines = Array.from({ length: 5_000 }, () => sampled.admit()).filter((line) => line !== null);
    expect(lines).toEqual([{}, {}, {}]);
    await clock.advance(1_000);
    expect(sampled.admit()).toEqual({ leftOut: 4_997 });
    expect(sampled.admit()).toEqual({});
  });
});
