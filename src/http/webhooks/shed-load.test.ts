import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../lib/manual-clock.ts';
import { ShedLoad } from './shed-load.ts';

const LIMITS = { freeOf: 3, oldestMs: 250, maximum: 6 };

function create() {
  const clock = new ManualClock();
  const shed = new ShedLoad(LIMITS, clock);
  const waiting: (() => void)[] = [];
  const start = () =>
    shed.admit(async () => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return 'done';
    });
  return { clock, shed, waiting, start };
}

describe('ShedLoad', () => {
  it('lets in what can be done in time', async () => {
    const { start, waiting } = create();
    const work = [1, 2, 3, 4, 5].map(start);
    for (const finish of waiting) finish();
    expect(await Promise.all(work)).toEqual(['done', 'done', 'done', 'done', 'done']);
  });

  it('refuses at once when the oldest has waited too long, and takes work again when it is done', async () => {
    const { clock, start, waiting, shed } = create();
    const work = [1, 2, 3].map(start);
    await clock.advance(250);
    expect(await start()).toBeNull();
    waiting[0]?.();
    await work[0];
    const fourth = start();
    expect(shed.running).toBe(3);
    expect(await start()).toBeNull();
    for (const finish of waiting) finish();
    expect(await fourth).toBe('done');
    await Promise.all(work);
    expect(shed.running).toBe(0);
  });

  it('does not let one that hangs shed the few others', async () => {
    const { clock, start, waiting } = create();
    const hanging = start();
    await clock.advance(10_000);
    const others = [start(), start()];
    for (const finish of waiting.slice(1)) finish();
    expect(await Promise.all(others)).toEqual(['done', 'done']);
    waiting[0]?.();
    await hanging;
  });

  it('never has more than its maximum in hand', async () => {
    const { start, waiting, shed } = create();
    const work = Array.from({ length: 10 }, start);
    expect(shed.running).toBe(6);
    for (const finish of waiting) finish();
    expect((await Promise.all(work)).filter((outcome) => outcome === null)).toHaveLength(4);
  });

  it('refuses what has waited too long before it came, but not the few', async () => {
    const { shed, start, waiting } = create();
    const work = [start(), start()];
    expect(shed.isFull(10_000)).toBe(false);
    work.push(start());
    expect([shed.isFull(190), shed.isFull(200)]).toEqual([false, true]);
    for (const finish of waiting) finish();
    await Promise.all(work);
  });

  it('learns how fast work is done, and takes no more than can be done in time', async () => {
    const clock = new ManualClock();
    const shed = new ShedLoad({ freeOf: 3, oldestMs: 250, maximum: 200 }, clock);
    const waiting: (() => void)[] = [];
    const start = () => shed.admit(() => new Promise<void>((resolve) => waiting.push(resolve)));
    // One is done each 10 ms, so that 20 can be done in four fifths of 250 ms.
    const work = Array.from({ length: 10 }, start);
    for (let n = 0; n < 600; n++) {
      clock.advance(10);
      waiting.shift()?.();
      await Promise.resolve();
      await Promise.resolve();
      while (!shed.isFull()) work.push(start());
    }
    expect(shed.running).toBeGreaterThanOrEqual(19);
    expect(shed.running).toBeLessThanOrEqual(21);
    // And it takes more as soon as work is done faster.
    for (let n = 0; n < 600; n++) {
      clock.advance(1);
      waiting.shift()?.();
      await Promise.resolve();
      await Promise.resolve();
      while (!shed.isFull()) work.push(start());
    }
    expect(shed.running).toBeGreaterThan(100);
    for (const finish of waiting) finish();
    await Promise.all(work);
  });

  it('counts work that fails as done', async () => {
    const { shed } = create();
    await expect(shed.admit(async () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(shed.running).toBe(0);
  });
});
