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

  it('counts work that fails as done', async () => {
    const { shed } = create();
    await expect(shed.admit(async () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(shed.running).toBe(0);
  });
});
