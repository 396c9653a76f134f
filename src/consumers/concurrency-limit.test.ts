import { describe, expect, it } from 'vitest';
import { ConcurrencyLimit } from './concurrency-limit.ts';

describe('ConcurrencyLimit', () => {
  it('runs no more than the limit, in the order of arrival, and goes on after a failure', async () => {
    const limit = new ConcurrencyLimit(2);
    const began: number[] = [];
    const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
    const runs = gates.map((gate, i) =>
      limit.run(() => {
        began.push(i);
        return gate.promise;
      }),
    );
    expect(began).toEqual([0, 1]);
    gates[1]?.reject(new Error('no'));
    await expect(runs[1]).rejects.toThrow('no');
    await Promise.resolve();
    expect(began).toEqual([0, 1, 2]);
    for (const gate of gates) gate.resolve();
    await Promise.allSettled(runs);
    expect(began).toEqual([0, 1, 2, 3, 4]);
    await expect(limit.run(async () => 7)).resolves.toBe(7);
  });
});
