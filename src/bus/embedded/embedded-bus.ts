import type { Clock } from '../../lib/clock.ts';
import { createId } from '../../lib/id.ts';
import type { Random } from '../../lib/random.ts';
import type { Database } from '../../storage/sql/connection.ts';
import { type Bus, BusError, type BusLog } from '../bus.ts';
import { checkMessages, checkSubscription, checkTopic } from '../check-message.ts';
import { EmbeddedConsumer } from './embedded-consumer.ts';
import { GroupPosition } from './group-position.ts';
import { MessageLog } from './message-log.ts';
import type { ValueSealing } from './value-sealing.ts';

const DAY_MS = 86_400_000;
/** Kafka's own default for the age. */
const RETENTION_DEFAULT = { days: 7, messagesPerTopic: 5_000_000 };

export interface EmbeddedBusOptions {
  /** with the tables of migration 2; the bus does not close it */
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly sealing: ValueSealing;
  readonly log?: BusLog;
  /**
   * True when no other process can use the database, as with PGlite: then whatever a killed process had in hand
   * is delivered again at once, and not after 10 s.
   */
  readonly soleProcess?: boolean;
  readonly retention?: { readonly days: number; readonly messagesPerTopic: number };
}

export interface EmbeddedBus extends Bus {
  /**
   * Removes what is past retention, whether every group has handled it or not, as Kafka does: 7 days, and the
   * newest 5 million messages of each topic. To be called from time to time. Returns how many were removed.
   */
  trim(): Promise<number>;
}

const silent: BusLog = { info() {}, warn() {} };

/**
 * The event log without Kafka, with the same promise, kept in the database: one partition for each topic, one
 * consumer of each group at work at a time. Consumers of this process are woken by `publish`; those of another
 * process on the same PostgreSQL look every 500 ms.
 */
export function createEmbeddedBus(options: EmbeddedBusOptions): EmbeddedBus {
  const { database, clock, random, log = silent } = options;
  const retention = options.retention ?? RETENTION_DEFAULT;
  const busId = createId('bus', clock, random);
  const messages = new MessageLog(database, options.sealing);
  const consumers = new Map<EmbeddedConsumer, string>();
  let consumersMade = 0;
  // While it is closing, the batches in hand may still publish; nobody may subscribe any more.
  let state: 'open' | 'closing' | 'closed' = 'open';

  function refuseWhenClosed(): void {
    if (state === 'closed') throw new BusError('closed', 'The bus is closed.');
  }

  return {
    async publish(topic, batch) {
      refuseWhenClosed();
      checkMessages(topic, batch);
      try {
        await messages.append(topic, batch, clock.now());
      } catch (cause) {
        throw new BusError('unavailable', 'The database did not confirm the messages.', { cause });
      }
      for (const [consumer, itsTopic] of consumers) if (itsTopic === topic) consumer.wake.raise();
    },

    async subscribe(subscription) {
      if (state !== 'open') throw new BusError('closed', 'The bus is closed.');
      const batchSize = checkSubscription(subscription);
      const { topic, group } = subscription;
      const position = new GroupPosition(database, clock, {
        group,
        topic,
        owner: `${busId}/${consumersMade++}`,
        onlyBusId: options.soleProcess ? busId : null,
      });
      const consumer = new EmbeddedConsumer({
        subscription,
        batchSize,
        messages,
        position,
        clock,
        random,
        log,
      });
      consumers.set(consumer, topic);
      return {
        async stop() {
          await consumer.stop();
          consumers.delete(consumer);
        },
      };
    },

    async lag(topic, group) {
      refuseWhenClosed();
      checkTopic(topic);
      try {
        return await messages.lag(topic, group);
      } catch {
        return null;
      }
    },

    trim() {
      return messages.trim(clock.now() - retention.days * DAY_MS, retention.messagesPerTopic);
    },

    async close() {
      if (state === 'open') state = 'closing';
      await Promise.all([...consumers.keys()].map((consumer) => consumer.stop()));
      consumers.clear();
      state = 'closed';
    },
  };
}
