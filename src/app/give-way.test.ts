import { expect, it } from 'vitest';
import { ManualClock } from '../lib/manual-clock.ts';
import { giveWay } from './give-way.ts';

it('pauses for as long as slow work took, two seconds at most, and not at all after quick work', async () => {
  for (const [tookMs, pausesMs] of [
    [100, 0],
    [101, 101],
    [1_500, 1_500],
    [60_000, 2_000],
  ] as const) {
    const clock = new ManualClock();
    const since = clock.now();
    clock.advance(tookMs);
    let isOver = false;
    const pausing = giveWay(clock, since).then(() => {
      isOver = true;
    });
    await new Promise(setImmediate);
    expect(isOver).toBe(pausesMs === 0);
    if (pausesMs > 0) {
      clock.advance(pausesMs - 1);
      await new Promise(setImmediate);
      expect(isOver).toBe(false);
      clock.advance(1);
    }
    await pausing;
  }
});
