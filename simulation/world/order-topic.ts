import type { BusMessage, DeliveredMessage } from '../../src/bus/bus.ts';
import type { Random } from '../../src/lib/random.ts';
import { type Replica, TOPICS } from './replica.ts';
import { PARTITIONS, type SimBus } from './sim-bus.ts';

const BATCH_MAXIMUM = 8;
/** How far back a batch may begin that was delivered before. */
const REPEAT_MAXIMUM = 5;
const RETRY_MS = 1_000;

interface PartitionState {
  committed: number;
  owner: Replica | null;
  /** grows with every rebalance: a commit of an earlier one is refused */
  generation: number;
  busy: boolean;
  retryAt: number;
}

/** The consumer group of topic `orders`: who reads which partition, and from where. */
export class OrderTopic {
  readonly #bus: SimBus;
  readonly #random: Random;
  readonly #partitions: PartitionState[];
  readonly #say: (text: string) => void;
  /** messages were delivered whose offsets had been committed before */
  repeated = 0;

  constructor(bus: SimBus, random: Random, say: (text: string) => void) {
    this.#bus = bus;
    this.#random = random;
    this.#say = say;
    this.#partitions = Array.from({ length: PARTITIONS }, () => ({
      committed: 0,
      owner: null,
      generation: 0,
      busy: false,
      retryAt: 0,
    }));
  }

  publish(message: BusMessage): void {
    this.#bus.append(TOPICS.orders, [message]);
  }

  lag(): number {
    return this.#partitions.reduce(
      (sum, one, partition) => sum + this.#bus.log(TOPICS.orders, partition).length - one.committed,
      0,
    );
  }

  /** Gives the partitions to others; whoever is at work there goes on, and finds its commit refused. */
  rebalance(replicas: readonly Replica[]): void {
    const alive = replicas.filter(({ life }) => life.alive && !life.paused);
    for (const one of this.#partitions) {
      one.owner = alive[Math.floor(this.#random.next() * alive.length)] ?? null;
      one.generation++;
      one.busy = false;
    }
  }

  /** Whether anything was taken from it. */
  leave(replica: Replica, others: readonly Replica[]): boolean {
    const isOwner = this.#partitions.some((one) => one.owner === replica);
    if (isOwner) this.rebalance(others);
    return isOwner;
  }

  /** The brokers have forgotten where the group stood: it begins at the start. */
  loseOffsets(): void {
    for (const one of this.#partitions) {
      this.repeated += one.committed;
      one.committed = 0;
      one.generation++;
      one.busy = false;
    }
  }

  /** Starts whatever batch can be started. */
  poll(
    replicas: readonly Replica[],
    now: number,
    start: (name: string, work: Promise<unknown>) => void,
  ): void {
    for (const [partition, one] of this.#partitions.entries()) {
      if (!one.owner?.life.alive) {
        if (!one.owner) this.rebalance(replicas);
        continue;
      }
      const log = this.#bus.log(TOPICS.orders, partition);
      if (one.busy || one.owner.life.paused || now < one.retryAt || one.committed >= log.length) continue;
      const back = one.owner.life.strikes('busRepeat', `partition ${partition}`)
        ? Math.min(one.committed, 1 + Math.floor(this.#random.next() * REPEAT_MAXIMUM))
        : 0;
      this.repeated += back;
      const from = one.committed - back;
      const batch = log.slice(from, from + back + 1 + Math.floor(this.#random.next() * BATCH_MAXIMUM));
      start(`batch ${partition}/${from}+${batch.length}`, this.#deliver(one, batch, now));
    }
  }

  async #deliver(one: PartitionState, batch: readonly DeliveredMessage[], now: number): Promise<void> {
    const { owner, generation } = one;
    if (!owner) return;
    one.busy = true;
    const { life } = owner;
    const last = Number(batch.at(-1)?.offset ?? -1n);
    const { signal } = new AbortController();
    try {
      await life.orDeath(owner.handleOrders(batch, signal));
      await life.orDeath(life.mayDie('before offset commit'));
      await life.orDeath(life.pass('before offset commit'));
      if (one.generation !== generation) return this.#say(`${life.name}  its commit is refused`);
      one.committed = Math.max(one.committed, last + 1);
    } catch {
      if (one.generation === generation) one.retryAt = now + RETRY_MS;
    } finally {
      if (one.generation === generation) one.busy = false;
    }
  }
}
