import type { ConnectionOptions } from 'node:tls';
import type { BaseOptions } from '@platformatic/kafka';

/** How to reach a Kafka cluster, 3.5 or later. */
export interface KafkaConnection {
  /** `host:port`, one or more */
  readonly brokers: readonly string[];
  /** shows in the broker's logs and quotas */
  readonly clientId: string;
  readonly sasl?: {
    /** PLAIN sends the password as it is: only together with `tls` */
    readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
    readonly username: string;
    readonly password: string;
  };
  /** TLS with these options, `{}` for the usual authorities; plain TCP when it is missing */
  readonly tls?: ConnectionOptions;
}

/**
 * Three quick attempts at each operation; whoever asked then waits longer by their own clock. A request that
 * waits for ten seconds waits for a broker that is gone.
 */
export function clientOptions(connection: KafkaConnection): BaseOptions {
  const { brokers, clientId, sasl, tls } = connection;
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: 3_000,
    requestTimeout: 10_000,
    retries: 2,
    retryDelay: 250,
    // A topic that is missing is the operator's to make, with the partitions and retention that it needs.
    autocreateTopics: false,
    ...(sasl && { sasl: { ...sasl } }),
    ...(tls && { tls }),
  };
}
