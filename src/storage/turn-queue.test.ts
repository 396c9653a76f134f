import { describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/manual-clock.ts';
import { TurnQueue } from './turn-queue.ts';

interface Held {
  readonly done: Promise<string>;
  finish(): void;
}

/** Takes a turn and keeps it until `finish`. */
function hold(queue: TurnQueue, name: string, order: string[] = [], patience?: 'patient'): Held {
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const done = queue.run(async () => {
    order.push(name);
    await finished;
    return name;
  }, patience);
  return { done, finish };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('TurnQueue', () => {
  it('gives turns in the order of asking', async () => {
    const queue = new TurnQueue({ clock: new ManualClock(), turns: 1, maxWaiting: 10, timeoutMs: 100 });
    const order: string[] = [];
    const held = ['a', 'b', 'c'].map((name) => hold(queue, name, order));
    await settle();
    expect(order).toEqual(['a']);
    for (const { finish } of held) finish();
    await Promise.all(held.map(({ done }) => done));
    expect(order).toEqual(['a', 'b', 'c']);
  });

  it('lets who is prompt go before who is patient, and who is patient after four of them', async () => {
    const queue = new TurnQueue({ clock: new ManualClock(), turns: 1, maxWaiting: 20, timeoutMs: 100 });
    const order: string[] = [];
    const held = [
      hold(queue, 'now', order),
      ...['x', 'y'].map((name) => hold(queue, name, order, 'patient')),
      ...['a', 'b', 'c', 'd', 'e', 'f'].map((name) => hold(queue, name, order)),
    ];
    for (const { finish } of held) finish();
    await Promise.all(held.map(({ done }) => done));
    expect(order.join(' ')).toBe('now a b c d x e f y');
  });

  it('forgets whom it has passed over when they wait no longer', async () => {
    const clock = new ManualClock();
    const queue = new TurnQueue({ clock, turns: 1, maxWaiting: 20, timeoutMs: 100 });
    const order: string[] = [];
    const now = hold(queue, 'now', order);
    const patient = hold(queue, 'x', order, 'patient');
    clock.advance(50);
    const prompt = ['a', 'b', 'c', 'd', 'e'].map((name) => hold(queue, name, order));
    for (const { finish } of [now, ...prompt.slice(0, 3)]) finish();
    await settle();
    clock.advance(50);
    await expect(patient.done).rejects.toMatchObject({ code: 'unavailable' });
    for (const { finish } of prompt) finish();
    await Promise.all(prompt.map(({ done }) => done));
    expect(order.join(' ')).toBe('now a b c d e');
  });

  it('gives as many turns at a time as there are', async () => {
    const queue = new TurnQueue({ clock: new ManualClock(), turns: 2, maxWaiting: 10, timeoutMs: 100 });
    const order: string[] = [];
    const held = ['a', 'b', 'c'].map((name) => hold(queue, name, order));
    await settle();
    expect(order).toEqual(['a', 'b']);
    expect(queue.waiting).toBe(1);
    held[1]?.finish();
    await settle();
    expect(order).toEqual(['a', 'b', 'c']);
    for (const { finish } of held) finish();
    await Promise.all(held.map(({ done }) => done));
  });

  it('refuses whoever waited too long, and serves those behind', async () => {
    const clock = new ManualClock();
    const queue = new TurnQueue({ clock, turns: 1, maxWaiting: 10, timeoutMs: 100 });
    const first = hold(queue, 'first');
    const patient = hold(queue, 'patient');
    clock.advance(60);
    const late = hold(queue, 'late');
    clock.advance(40);
    await expect(patient.done).rejects.toMatchObject({ code: 'unavailable' });
    first.finish();
    late.finish();
    expect(await late.done).toBe('late');
  });

  it('refuses at once when too many wait', async () => {
    const queue = new TurnQueue({ clock: new ManualClock(), turns: 1, maxWaiting: 1, timeoutMs: 100 });
    const held = [hold(queue, 'a'), hold(queue, 'b')];
    await expect(queue.run(async () => {})).rejects.toMatchObject({ code: 'unavailable' });
    for (const { finish } of held) finish();
    await Promise.all(held.map(({ done }) => done));
  });

  it('gives the turn back when the work fails', async () => {
    const queue = new TurnQueue({ clock: new ManualClock(), turns: 1, maxWaiting: 1, timeoutMs: 100 });
    await expect(queue.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await queue.run(async () => 'yes')).toBe('yes');
  });

  it('closes when the last who asked before is done, and refuses those who ask after', async () => {
    const queue = new TurnQueue({ clock: new ManualClock(), turns: 1, maxWaiting: 1, timeoutMs: 100 });
    const held = [hold(queue, 'a'), hold(queue, 'b')];
    let closed = false;
    const closing = queue.close().then(() => {
      closed = true;
    });
    await expect(queue.run(async () => {})).rejects.toMatchObject({ code: 'unavailable' });
    await settle();
    expect(closed).toBe(false);
    for (const { finish } of held) finish();
    await closing;
    expect(await Promise.all(held.map(({ done }) => done))).toEqual(['a', 'b']);
  });

  it('closes after everybody who waits, prompt or patient', async () => {
    const queue = new TurnQueue({ clock: new ManualClock(), turns: 2, maxWaiting: 20, timeoutMs: 100 });
    const order: string[] = [];
    const held = [
      ...['a', 'b', 'x'].map((name) => hold(queue, name, order, 'patient')),
      ...['c', 'd', 'e', 'f', 'g', 'h'].map((name) => hold(queue, name, order)),
    ];
    const closing = queue.close();
    for (const { finish } of held) finish();
    await Promise.all([closing, ...held.map(({ done }) => done)]);
    expect(order).toHaveLength(9);
  });

  it('lets the event loop have its turn while the queue is busy', async () => {
    const queue = new TurnQueue({
      clock: new ManualClock(),
      turns: 1,
      maxWaiting: 200,
      timeoutMs: 100,
      pauseEvery: 8,
    });
    let served = 0;
    const all = Array.from({ length: 100 }, () => queue.run(async () => void served++));
    await settle();
    expect(served).toBeGreaterThan(0);
    expect(served).toBeLessThan(100);
    await Promise.all(all);
  });
});
