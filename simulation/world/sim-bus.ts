import type { Bus, BusMessage, Consumer, DeliveredMessage } from '../../src/bus/bus.ts';
import { BusError } from '../../src/bus/bus.ts';
import type { ReplicaLife } from './replica-life.ts';

export const PARTITIONS = 2;

/** The brokers: partitioned logs that never lose what they have confirmed. */
export class SimBus {
  readonly #topics = new Map<string, DeliveredMessage[][]>();

  partitionOf(key: string): number {
    let hash = 7;
    for (let i = 0; i < key.length; i++) hash = (hash * 31 + key.charCodeAt(i)) >>> 0;
    return hash % PARTITIONS;
  }

  append(topic: string, messages: readonly BusMessage[]): void {
    for (const message of messages) {
      const partition = this.partitionOf(message.key);
      const log = this.log(topic, partition);
      log.push({ ...message, topic, partition, offset: BigInt(log.length) });
    }
  }

  log(topic: string, partition: number): DeliveredMessage[] {
    let partitions = this.#topics.get(topic);
    if (!partitions) {
      partitions = Array.from({ length: PARTITIONS }, () => []);
      this.#topics.set(topic, partitions);
    }
    return partitions[partition] as DeliveredMessage[];
  }

  all(topic: string): readonly DeliveredMessage[] {
    return Array.from({ length: PARTITIONS }, (_, partition) => this.log(topic, partition)).flat();
  }
}

/** The bus as one replica sees it. Consuming is driven by the world. */
export class ReplicaBus implements Bus {
  readonly #bus: SimBus;
  readonly #life: ReplicaLife;

  constructor(bus: SimBus, life: ReplicaLife) {
    this.#bus = bus;
    this.#life = life;
  }

  async publish(topic: string, messages: readonly BusMessage[]): Promise<void> {
    const life = this.#life;
    await life.pass(`before publish ${topic}`);
    await life.mayDie(`before publish ${topic}`);
    if (life.weather.busDown || life.strikes('busDrop', topic)) {
      life.struck++;
      throw new BusError('unavailable', 'The brokers cannot be reached.');
    }
    this.#bus.append(topic, messages);
    await life.mayDie(`after publish ${topic}`);
    await life.pass(`after publish ${topic}`);
    if (life.strikes('busUnknown', topic))
      throw new BusError('unavailable', 'The brokers did not confirm in time.');
  }

  subscribe(): Promise<Consumer> {
    return Promise.reject(new Error('The world drives the consumers itself.'));
  }

  lag(): Promise<bigint | null> {
    return Promise.resolve(null);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
