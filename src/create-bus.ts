import { hostname } from 'node:os';
import type { Bus } from './bus/bus.ts';
import type { EmbeddedBus } from './bus/embedded/embedded-bus.ts';
import type { KafkaConnection } from './bus/kafka/kafka-connection.ts';
import type { KafkaConfig, ServiceConfig } from './config.ts';
import type { Clock } from './lib/clock.ts';
import type { Random } from './lib/random.ts';
import type { Log } from './observe/log.ts';
import type { Database } from './storage/sql/connection.ts';

export interface CreatedBus {
  readonly bus: Bus;
  /** only of the embedded bus: removes messages past their retention */
  readonly trim: EmbeddedBus['trim'] | null;
}

/** Kafka when there are KAFKA_BROKERS, else the bus in the service's own database. */
export async function createBus(options: {
  readonly config: Pick<ServiceConfig, 'kafka' | 'databaseUrl'>;
  readonly database: Database;
  readonly masterKey: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}): Promise<CreatedBus> {
  const { config, database, clock, random, log } = options;
  if (config.kafka) {
    // Loaded when it is wanted: a process that only answers calls does without the client and its 40 MB.
    const { createKafkaBus } = await import('./bus/kafka/kafka-bus.ts');
    return { bus: createKafkaBus({ ...kafkaConnection(config.kafka), clock, random, log }), trim: null };
  }
  const { createEmbeddedBus } = await import('./bus/embedded/embedded-bus.ts');
  const { createValueSealing } = await import('./bus/embedded/value-sealing.ts');
  const bus = createEmbeddedBus({
    database,
    clock,
    random,
    log,
    sealing: createValueSealing(options.masterKey, random),
    soleProcess: config.databaseUrl === null,
  });
  return { bus, trim: () => bus.trim() };
}

export function kafkaConnection(kafka: KafkaConfig): KafkaConnection {
  return {
    brokers: kafka.brokers,
    clientId: `maskline-${hostname()}`,
    ...(kafka.sasl && { sasl: kafka.sasl }),
    ...(kafka.tls && { tls: {} }),
  };
}
