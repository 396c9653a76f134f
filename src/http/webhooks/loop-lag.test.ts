import { expect, it } from 'vitest';
import { ManualClock } from '../../lib/manual-clock.ts';
import { LoopLag } from './loop-lag.ts';

/** The loop is busy for so long, and gets to its timers only then. */
function busy(clock: ManualClock, ms: number): void {
  clock.jumpTo(clock.now() + ms);
}

it('is nothing while the loop turns quickly, and before and after it runs', () => {
  const clock = new ManualClock();
  const lag = new LoopLag(clock);
  busy(clock, 500);
  expect(lag.waitedMs()).toBe(0);
  lag.start();
  clock.advance(1_000);
  busy(clock, 15);
  expect(lag.waitedMs()).toBe(0);
  lag.stop();
  busy(clock, 500);
  expect(lag.waitedMs()).toBe(0);
});

it('is what is gone of this turn and the whole of the one before', () => {
  const clock = new ManualClock();
  const lag = new LoopLag(clock);
  lag.start();
  busy(clock, 320);
  expect(lag.waitedMs()).toBe(300);
  clock.advance(0);
  expect(lag.waitedMs()).toBe(300);
  busy(clock, 120);
  expect(lag.waitedMs()).toBe(400);
  clock.advance(0);
  expect(lag.waitedMs()).toBe(100);
  clock.advance(20);
  expect(lag.waitedMs()).toBe(0);
});

it('is not below nothing when the clock is set back', () => {
  const clock = new ManualClock();
  const lag = new LoopLag(clock);
  lag.start();
  clock.jumpTo(clock.now() - 60_000);
  expect(lag.waitedMs()).toBe(0);
});
