import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { NoticeBatcher } from './notice-batcher.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function record() {
  const passed: (readonly (readonly string[])[])[] = [];
  return { passed, batcher: new NoticeBatcher((keys) => passed.push(keys)) };
}

it('passes the first key on at once', () => {
  const { passed, batcher } = record();
  batcher.add([['orders']]);
  expect(passed).toEqual([[['orders']]]);
});

it('passes on together, and once each, what comes soon after', () => {
  const { passed, batcher } = record();
  batcher.add([['orders']]);
  for (let i = 0; i < 50; i++) batcher.add([['orders'], ['phone', 'ana']]);
  expect(passed).toHaveLength(1);
  vi.advanceTimersByTime(200);
  expect(passed.slice(1)).toEqual([[['orders'], ['phone', 'ana']]]);
  vi.advanceTimersByTime(1_000);
  expect(passed).toHaveLength(2);
});

it('goes on at a steady pace in a storm, and at once again after it', () => {
  const { passed, batcher } = record();
  for (let i = 0; i < 100; i++) {
    batcher.add([['orders']]);
    vi.advanceTimersByTime(10);
  }
  expect(passed.length).toBeGreaterThan(5);
  expect(passed.length).toBeLessThan(12);
  vi.advanceTimersByTime(1_000);
  const before = passed.length;
  batcher.add([['stock']]);
  expect(passed).toHaveLength(before + 1);
});

it('passes nothing on once it is stopped', () => {
  const { passed, batcher } = record();
  batcher.add([['orders']]);
  batcher.add([['stock']]);
  batcher.stop();
  vi.advanceTimersByTime(1_000);
  expect(passed).toHaveLength(1);
});
