import { describe, expect, it } from 'vitest';
import { Breaker } from './breaker.ts';

describe('Breaker', () => {
  it('opens at the fifth failure in a row, lets one through within a minute, and closes on success', () => {
    const breaker = new Breaker();
    expect([1, 2, 3, 4, 5].map(() => breaker.failed(0))).toEqual([false, false, false, false, true]);
    expect([breaker.allows(0), breaker.allows(14_999), breaker.allows(15_000)]).toEqual([false, false, true]);
    expect(breaker.failed(15_000)).toBe(false);
    expect([breaker.allows(44_999), breaker.allows(45_000)]).toEqual([false, true]);
    expect(breaker.succeeded()).toBe(true);
    expect(breaker.allows(45_000)).toBe(true);
    expect(breaker.succeeded()).toBe(false);
  });

  it('never waits longer than a minute', () => {
    const breaker = new Breaker();
    for (let i = 0; i < 40; i++) breaker.failed(0);
    expect([breaker.allows(59_999), breaker.allows(60_000)]).toEqual([false, true]);
  });

  it('counts failures in a row only', () => {
    const breaker = new Breaker();
    for (let i = 0; i < 4; i++) breaker.failed(0);
    breaker.succeeded();
    expect(breaker.failed(0)).toBe(false);
    expect(breaker.isOpen).toBe(false);
  });

  it('waits as long as it was asked to', () => {
    const breaker = new Breaker();
    breaker.pauseUntil(17_000);
    expect([breaker.allows(16_999), breaker.allows(17_000), breaker.isOpen]).toEqual([false, true, false]);
  });
});
