import { Buffer } from 'node:buffer';
import type { FastifyBaseLogger } from 'fastify';
import type { Bus, BusMessage } from '../../../../src/bus/bus.ts';
import type { DeliveryContext } from '../delivery-context.ts';
import { retryPause } from '../retry-pause.ts';
import type { OutboxEntry } from '../store/outbox-store.ts';

const BATCH_SIZE = 100;
const HEADERS = { 'content-type': 'application/cloudevents+json; charset=utf-8' } as const;

interface OutboxPublisherOptions {
  readonly bus: Bus;
  readonly topic: string;
  readonly log: FastifyBaseLogger;
}

/**
 * Publishes the outbox in order, for as long as it takes: the bus may be away, and this process may die between
 * publishing and removing, so that an event can come twice, with the same id.
 */
export function startOutboxPublisher(
  context: DeliveryContext,
  { bus, topic, log }: OutboxPublisherOptions,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { outbox } = context.stores;

  async function publishUntilStopped(): Promise<void> {
    let failures = 0;
    while (!stopping.signal.aborted) {
      try {
        const entries = outbox.next(BATCH_SIZE);
        if (entries.length === 0) {
          await context.outboxFilled.wait(stopping.signal);
          continue;
        }
        await bus.publish(topic, entries.map(toMessage));
        outbox.remove(entries);
        failures = 0;
      } catch (error) {
        log.warn({ err: error, topic, failures: failures + 1 }, 'events are not published yet; trying again');
        await retryPause(failures++, context, stopping.signal);
      }
    }
  }

  const finished = publishUntilStopped();
  return {
    async stop() {
      stopping.abort();
      await finished;
    },
  };
}

function toMessage(entry: OutboxEntry): BusMessage {
  return { key: entry.key, value: Buffer.from(entry.event, 'utf8'), headers: HEADERS };
}
