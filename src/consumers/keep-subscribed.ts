import type { Bus, Consumer, Subscription } from '../bus/bus.ts';
import { backoffDelayMs } from '../lib/backoff.ts';
import { type Clock, pause } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import type { Log } from '../observe/log.ts';

const BACKOFF = { firstDelayMs: 500, maxDelayMs: 10_000 };

/**
 * Subscribes, and keeps trying while the bus cannot be reached: calls do not depend on it, so a service that
 * starts while Kafka is away must start all the same.
 */
export function keepSubscribed(
  bus: Pick<Bus, 'subscribe'>,
  subscription: Subscription,
  deps: { readonly clock: Clock; readonly random: Random; readonly log: Log },
): Consumer {
  const stopping = new AbortController();
  const joining = join();
  return {
    async stop() {
      stopping.abort();
      await (await joining)?.stop();
    },
  };

  async function join(): Promise<Consumer | null> {
    for (let attempt = 0; !stopping.signal.aborted; attempt++) {
      try {
        return await bus.subscribe(subscription);
      } catch (error) {
        const delayMs = backoffDelayMs(attempt, BACKOFF, deps.random);
        deps.log.warn(
          { error, topic: subscription.topic, delayMs },
          'The bus cannot be joined; trying again.',
        );
        await pause(deps.clock, delayMs, stopping.signal);
      }
    }
    return null;
  }
}
