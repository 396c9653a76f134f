import { randomUUID } from 'node:crypto';
import type { Bus, Consumer } from '../../src/bus/bus.ts';
import { decodeCloudEvent } from '../../src/bus/cloud-events.ts';
import { createKafkaBus } from '../../src/bus/kafka/kafka-bus.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import type { PostgresDatabase } from '../../src/storage/postgres/postgres-database.ts';
import { statement, systemScope } from '../../src/storage/sql/connection.ts';
import { until } from '../system/product.ts';
import type { Deployment } from './deployment.ts';
import { POOL, personNumber } from './seed.ts';

export function openTestBus(brokers: string): Bus {
  return createKafkaBus({
    brokers: brokers.split(','),
    clientId: 'test',
    clock: systemClock,
    random: systemRandom,
    log: { info() {}, warn() {} },
  });
}

interface Announced {
  readonly eventId: string;
  readonly type: string;
  readonly at: number;
}

const sessionsByReference = statement(
  'test_sessions_by_reference',
  `select reference, count(*)::int as sessions, count(*) filter (where state = 'open')::int as open
     from session where reference like $1 group by reference`,
);

/**
 * The Orders service of a test: says that drivers were assigned, notes what was acknowledged and when, and what
 * Maskline announced about it. Each order has two people of its own.
 */
export class OrderLoad {
  readonly #deployment: Deployment;
  readonly #bus: Bus;
  readonly #prefix = `o${randomUUID().slice(0, 8)}`;
  readonly acknowledged = new Map<string, number>();
  /** every `session.…` event about one of our orders, in the order of arrival */
  readonly announced = new Map<string, Announced[]>();
  #consumer: Consumer | null = null;
  #next = 0;
  #running: Promise<void> | null = null;
  #stopping = false;

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
    this.#bus = openTestBus(deployment.brokers);
  }

  async listen(): Promise<void> {
    this.#consumer = await this.#bus.subscribe({
      topic: this.#deployment.topics.masking,
      group: `listener-${this.#prefix}`,
      batchSize: 1_000,
      handle: async (batch) => {
        const at = performance.now();
        for (const message of batch) {
          if (!message.key.startsWith(this.#prefix)) continue;
          const decoded = decodeCloudEvent(message);
          if (!decoded.ok) throw new Error(`An event that is none was published: ${decoded.detail}`);
          const list = this.announced.get(message.key) ?? [];
          list.push({ eventId: decoded.event.id, type: decoded.event.type, at });
          this.announced.set(message.key, list);
        }
      },
    });
  }

  /** Publishes `count` assignments at once; they count as sent when the broker has confirmed them. */
  async send(count: number): Promise<string[]> {
    const references = Array.from({ length: count }, () => `${this.#prefix}-${this.#next++}`);
    const at = performance.now();
    const messages = references.map((reference) => ({
      key: reference,
      value: Buffer.from(JSON.stringify(assigned(reference, Number(reference.split('-')[1])))),
      headers: { 'content-type': 'application/cloudevents+json' },
    }));
    for (;;) {
      try {
        await this.#bus.publish(this.#deployment.topics.orders, messages);
        break;
      } catch (error) {
        if (this.#stopping) throw error;
      }
    }
    for (const reference of references) this.acknowledged.set(reference, at);
    return references;
  }

  /** Goes on sending `perTick` orders every `tickMs` until `stop`. */
  start(perTick: number, tickMs: number): void {
    this.#running = (async () => {
      while (!this.#stopping) {
        const from = performance.now();
        await this.send(perTick);
        const rest = tickMs - (performance.now() - from);
        if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
      }
    })();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async close(): Promise<void> {
    await this.stop().catch(() => {});
    await this.#consumer?.stop();
    await this.#bus.close();
  }

  get unanswered(): string[] {
    return [...this.acknowledged.keys()].filter(
      (reference) => !this.announced.get(reference)?.some(({ type }) => type === 'session.opened'),
    );
  }

  /** Waits until every acknowledged order has its numbers announced. */
  async settle(limitMs: number): Promise<void> {
    await until(
      'an announcement for every acknowledged order',
      () => this.unanswered.length === 0,
      limitMs,
    ).catch((error: unknown) => {
      throw new Error(`${this.unanswered.length} of ${this.acknowledged.size} lack it`, { cause: error });
    });
  }

  /** Milliseconds from acknowledgement to announcement, in ascending order. */
  latencies(references: readonly string[] = [...this.acknowledged.keys()]): number[] {
    return references
      .flatMap((reference) => {
        const opened = this.announced.get(reference)?.find(({ type }) => type === 'session.opened');
        const sent = this.acknowledged.get(reference);
        return opened && sent !== undefined ? [opened.at - sent] : [];
      })
      .sort((a, b) => a - b);
  }

  /** Looks at the history as a whole. @throws Error about what was lost or doubled */
  async check(database: PostgresDatabase): Promise<{ orders: number; repeated: number }> {
    const rows = await database.run(systemScope, (connection) =>
      connection.query<{ reference: string; sessions: number; open: number }>(sessionsByReference, [
        `${this.#prefix}-%`,
      ]),
    );
    const found = new Map(rows.map((row) => [row.reference, row]));
    const lost = [...this.acknowledged.keys()].filter((reference) => !found.has(reference));
    if (lost.length > 0) throw new Error(`${lost.length} acknowledged orders have no session.`);
    const doubled = rows.filter(({ sessions, open }) => sessions !== 1 || open !== 1);
    if (doubled.length > 0) throw new Error(`${doubled.length} orders have not exactly one open session.`);
    let repeated = 0;
    for (const [reference, events] of this.announced) {
      const ids = new Set(events.map(({ eventId }) => eventId));
      repeated += events.length - ids.size;
      const types = firstOccurrences(events);
      const expected =
        types.length === 1 ? ['session.opened'] : ['session.pending', 'pool.exhausted', 'session.opened'];
      if (types.join() !== expected.join()) {
        throw new Error(`Order ${reference} was announced as ${types.join(', ')}.`);
      }
    }
    if (this.unanswered.length > 0) throw new Error(`${this.unanswered.length} announcements were lost.`);
    return { orders: this.acknowledged.size, repeated };
  }
}

function firstOccurrences(events: readonly Announced[]): string[] {
  const seen = new Set<string>();
  return events.filter(({ eventId }) => !seen.has(eventId) && seen.add(eventId)).map(({ type }) => type);
}

export function assigned(reference: string, n: number, extra: object = {}): object {
  return {
    specversion: '1.0',
    id: `assigned-${reference}`,
    source: '/orders',
    type: 'order.driver_assigned',
    time: new Date(systemClock.now()).toISOString(),
    data: {
      orderId: reference,
      pool: POOL,
      assignment: 1,
      participants: [
        { role: 'customer', userId: `c${n}`, realNumber: personNumber(2 * n) },
        { role: 'driver', userId: `d${n}`, realNumber: personNumber(2 * n + 1) },
      ],
      ...extra,
    },
  };
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
