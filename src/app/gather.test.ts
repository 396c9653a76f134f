import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Gather } from './gather.ts';

function createGather(concurrency: number) {
  const lots: { requests: readonly number[]; finish: PromiseWithResolvers<readonly string[]> }[] = [];
  const gather = new Gather<number, string>({
    sizeMaximum: 3,
    concurrency,
    waitingMaximum: 4,
    refusal: () => new Error('too many'),
    handle: (requests) => {
      const finish = Promise.withResolvers<readonly string[]>();
      lots.push({ requests, finish });
      return finish.promise;
    },
  });
  return { gather, lots };
}

describe('Gather', () => {
  it('handles together what comes in one turn, in lots of the maximum, and gives each its own result', async () => {
    const { gather, lots } = createGather(2);
    const asked = [1, 2, 3, 4].map((n) => gather.ask(n));
    expect(lots).toEqual([]);
    await setImmediate();
    expect(lots.map(({ requests }) => requests)).toEqual([[1, 2, 3], [4]]);
    lots[1]?.finish.resolve(['four']);
    lots[0]?.finish.resolve(['one', 'two', 'three']);
    expect(await Promise.all(asked)).toEqual(['one', 'two', 'three', 'four']);
  });

  it('gathers the next lot while the others are under way, and goes on after a failure', async () => {
    const { gather, lots } = createGather(1);
    const first = gather.ask(1);
    await setImmediate();
    const [second, third] = [gather.ask(2), gather.ask(3)];
    await setImmediate();
    expect(lots).toHaveLength(1);
    lots[0]?.finish.reject(new Error('no'));
    await expect(first).rejects.toThrow('no');
    await setImmediate();
    expect(lots[1]?.requests).toEqual([2, 3]);
    lots[1]?.finish.resolve(['two', 'three']);
    expect(await Promise.all([second, third])).toEqual(['two', 'three']);
  });

  it('refuses at once who would have to wait behind too many, and nobody else', async () => {
    const { gather, lots } = createGather(1);
    const first = gather.ask(0);
    await setImmediate();
    const waiting = [1, 2, 3, 4].map((n) => gather.ask(n));
    await expect(gather.ask(5)).rejects.toThrow('too many');
    lots[0]?.finish.resolve(['zero']);
    expect(await first).toBe('zero');
    await setImmediate();
    lots[1]?.finish.resolve(['one', 'two', 'three']);
    await setImmediate();
    lots[2]?.finish.resolve(['four']);
    expect(await Promise.all(waiting)).toEqual(['one', 'two', 'three', 'four']);
  });
});
