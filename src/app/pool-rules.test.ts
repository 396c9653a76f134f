import { expect, it } from 'vitest';
import type { Pool } from '../domain/pool.ts';
import { ManualClock } from '../lib/manual-clock.ts';
import type { TenantStorage } from '../storage/storage.ts';
import { PoolRules } from './pool-rules.ts';

/** A pool whose `countries` say which reading this was; each reading waits to be answered. */
function createRules() {
  const clock = new ManualClock(0);
  const readings: { answer(): void; fail(): void }[] = [];
  const get = (name: string): Promise<Pool> =>
    new Promise((resolve, reject) => {
      const n = `${readings.length}`;
      readings.push({
        answer: () => resolve({ name, countries: [n] } as unknown as Pool),
        fail: () => reject(new Error('gone')),
      });
    });
  const storage = { pools: { get } } as unknown as TenantStorage;
  const rules = new PoolRules({ clock, storage: { run: (_tenant, work) => work(storage) } });
  const read = async () => (await rules.of('acme', 'city'))?.countries[0];
  return { clock, readings, rules, read };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

it('reads again after half a second while calls go by what is known, and after a second lets them wait', async () => {
  const { clock, readings, read } = createRules();
  const first = read();
  readings[0]?.answer();
  expect(await first).toBe('0');
  clock.advance(499);
  expect([await read(), readings.length]).toEqual(['0', 1]);
  clock.advance(1);
  expect([await read(), await read(), readings.length]).toEqual(['0', '0', 2]);
  readings[1]?.answer();
  await turn();
  expect([await read(), readings.length]).toEqual(['1', 2]);
  // The second counts from when it was asked.
  clock.advance(1_000);
  const waiting = read();
  expect(readings.length).toBe(3);
  readings[2]?.answer();
  expect(await waiting).toBe('2');
});

it('reads once more when that failed, and never goes by what is older than a second', async () => {
  const { clock, readings, read } = createRules();
  const first = read();
  readings[0]?.answer();
  await first;
  clock.advance(600);
  await read();
  readings[1]?.fail();
  await turn();
  expect([await read(), readings.length]).toEqual(['0', 3]);
  clock.advance(400);
  const waiting = read();
  readings[3]?.fail();
  await expect(waiting).rejects.toThrow('gone');
});

it('does not bring back what was forgotten while it was read', async () => {
  const { clock, readings, rules, read } = createRules();
  const first = read();
  readings[0]?.answer();
  await first;
  clock.advance(500);
  await read();
  rules.forget('acme', 'city');
  readings[1]?.answer();
  await turn();
  const after = read();
  readings[2]?.answer();
  expect(await after).toBe('2');
});
