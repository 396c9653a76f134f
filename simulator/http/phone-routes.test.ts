import { expect, it } from 'vitest';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { Exchange } from '../exchange/exchange.ts';
import { openStateDatabase } from '../exchange/state-database.ts';
import { createSimulatorApp } from './simulator-app.ts';

it('stops watching a phone, and sets no more timers, when the watcher goes away', async () => {
  const clock = new ManualClock();
  const random = seededRandom(1);
  const exchange = new Exchange({
    clock,
    random,
    database: openStateDatabase(null),
    account: { webhookBase: 'http://maskline.test', sharedSecret: 'x'.repeat(32) },
    webhookSender: () => Promise.reject(new Error('Nobody calls here.')),
  });
  const app = createSimulatorApp({ exchange, clock, random, log: () => undefined });
  const watch = exchange.phones.watch.bind(exchange.phones);
  const unwatched = new Promise<void>((resolve) => {
    exchange.phones.watch = (phone, watcher) => {
      const unwatch = watch(phone, watcher);
      return () => {
        unwatch();
        resolve();
      };
    };
  });
  let timers = 0;
  const after = clock.after.bind(clock);
  clock.after = (delayMs, run) => {
    timers++;
    const timer = after(delayMs, run);
    return {
      cancel: () => {
        timers--;
        timer.cancel();
      },
    };
  };
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const leaving = new AbortController();
  await fetch(`${url}/phones/+12025550101/events`, { signal: leaving.signal });
  expect(timers).toBe(1);
  leaving.abort();
  await unwatched;
  expect(timers).toBe(0);
  await app.close();
});
