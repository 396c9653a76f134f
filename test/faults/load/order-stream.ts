import { randomUUID } from 'node:crypto';
import type { Bus, Consumer } from '../../../src/bus/bus.ts';
import { decodeCloudEvent } from '../../../src/bus/cloud-events.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { PostgresDatabase } from '../../../src/storage/postgres/postgres-database.ts';
import { statement, systemScope } from '../../../src/storage/sql/connection.ts';
import type { Deployment } from '../../production/deployment.ts';
import { assigned, openTestBus } from '../../production/order-load.ts';
import { personNumber } from '../../production/seed.ts';
import { until } from '../../system/product.ts';

export interface Party {
  readonly realNumber: string;
  /** stands for this person */
  readonly virtualNumber: string;
}

/** An order whose numbers were announced. */
export interface Binding {
  readonly reference: string;
  readonly parties: readonly [Party, Party];
  /** when its completion was asked for, and when it was announced that nobody is connected any more */
  completingAt: number | null;
  closedAt: number | null;
}

export interface OrderFacts {
  readonly orders: number;
  readonly completed: number;
  /** announcements that came again under the same id */
  readonly repeated: number;
}

interface Announcement {
  readonly ids: Set<string>;
  readonly types: string[];
}

interface OpenedData {
  readonly participants: readonly { readonly role: string; readonly virtualNumber: string | null }[];
}

const ofReferences = statement(
  'fault_sessions',
  `select reference, count(*)::int as sessions, count(*) filter (where state = 'open')::int as open
     from session where reference like $1 group by reference`,
);
/** Longer than a session timeout of Kafka and a rebalance. */
const SETTLE_LIMIT_MS = 60_000;
/** Every order has two people of its own until the fictional numbers are used up. */
const ORDERS_WITHOUT_REPETITION = 19_900;

/** Orders that are assigned, live for a while and are completed, over Kafka; and what was announced of them. */
export class OrderStream {
  readonly #deployment: Deployment;
  readonly #bus: Bus;
  readonly #prefix = `f${randomUUID().slice(0, 8)}`;
  readonly #announced = new Map<string, Announcement>();
  readonly #bindings = new Map<string, Binding>();
  #live: Binding[] = [];
  #closed: Binding[] = [];
  #consumer: Consumer | null = null;
  #sent = 0;
  #repeated = 0;
  #completions = 0;
  #running: Promise<void> | null = null;
  #stopping = false;
  /** milliseconds from the broker's word that it has the assignment to ours that the numbers are there */
  readonly latencies: { at: number; ms: number }[] = [];
  readonly #sentAt = new Map<string, number>();

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
        for (const message of batch) {
          if (!message.key.startsWith(this.#prefix)) continue;
          const decoded = decodeCloudEvent(message);
          if (!decoded.ok) throw new Error(`An event that is none was published: ${decoded.detail}`);
          const { id, type, data } = decoded.event;
          if (type.startsWith('session.')) this.#note(message.key, id, type, data);
        }
      },
    });
  }

  /** Those that callers may use: announced, and not being completed. */
  get live(): readonly Binding[] {
    return this.#live;
  }

  get closed(): readonly Binding[] {
    return this.#closed;
  }

  /** Assigns so many at once and waits for their numbers. */
  async open(count: number): Promise<void> {
    const before = this.#live.length;
    for (let left = count; left > 0; left -= 100) await this.#assign(Math.min(100, left));
    await until(`${count} sessions`, () => this.#live.length >= before + count, SETTLE_LIMIT_MS);
  }

  /** Assigns one more and waits for its numbers. */
  async openOne(): Promise<Binding> {
    await this.open(1);
    const binding = this.#live.at(-1);
    if (!binding) throw new Error('The order was opened, and is not there.');
    return binding;
  }

  /** Completes that one and waits until it is announced as closed. */
  async finish(binding: Binding): Promise<void> {
    this.#live = [binding, ...this.#live.filter((each) => each !== binding)];
    await this.#complete(1);
    await until('the end of a session', () => binding.closedAt !== null, SETTLE_LIMIT_MS);
  }

  /** From now on assigns and completes as many in a second, the oldest first. */
  start(perSecond: number): void {
    if (perSecond === 0) return;
    const tickMs = Math.max(100, 1_000 / perSecond);
    this.#running = (async () => {
      let due = 0;
      while (!this.#stopping) {
        const from = performance.now();
        due += (perSecond * tickMs) / 1_000;
        const count = Math.floor(due);
        due -= count;
        if (count > 0) await Promise.all([this.#assign(count), this.#complete(count)]);
        const restMs = tickMs - (performance.now() - from);
        if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
      }
    })();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
    this.#running = null;
    this.#stopping = false;
  }

  /** Stops, and waits until everything that was acknowledged has been announced. */
  async settle(limitMs = SETTLE_LIMIT_MS): Promise<void> {
    await this.stop();
    await until('every announcement', () => this.missing === 0, limitMs).catch((error: unknown) => {
      const which = this.#unclosed().map(({ reference }) => reference);
      const text = `${this.missing} of ${this.#sent} orders lack an announcement; not closed: ${which.slice(0, 5)}.`;
      throw new Error(text, { cause: error });
    });
  }

  /** Nothing acknowledged is lost, and nothing happened twice. @throws Error that says what is wrong */
  async check(database: PostgresDatabase): Promise<OrderFacts> {
    const rows = await database.run(systemScope, (connection) =>
      connection.query<{ reference: string; sessions: number; open: number }>(ofReferences, [
        `${this.#prefix}-%`,
      ]),
    );
    const found = new Map(rows.map((row) => [row.reference, row]));
    for (const binding of this.#bindings.values()) {
      const row = found.get(binding.reference);
      const open = binding.completingAt === null ? 1 : 0;
      if (row?.sessions !== 1 || row.open !== open) {
        throw new Error(`Order ${binding.reference} is ${JSON.stringify(row)}, and should be ${open} open.`);
      }
    }
    if (this.#bindings.size !== this.#sent)
      throw new Error(`${this.#sent - this.#bindings.size} orders were lost.`);
    for (const [reference, { types }] of this.#announced) {
      const binding = this.#bindings.get(reference);
      const said = types.filter((type) => type !== 'session.pending').join();
      const expected = binding?.completingAt ? 'session.opened,session.closed' : 'session.opened';
      if (said !== expected) throw new Error(`Order ${reference} was announced as ${said}.`);
    }
    return { orders: this.#sent, completed: this.#completions, repeated: this.#repeated };
  }

  async close(): Promise<void> {
    this.#stopping = true;
    await this.#running;
    await this.#consumer?.stop();
    await this.#bus.close();
  }

  /** Announcements that are owed. */
  get missing(): number {
    const unopened = this.#sent - this.#bindings.size;
    return unopened + this.#unclosed().length;
  }

  #unclosed(): Binding[] {
    return [...this.#bindings.values()].filter(
      ({ completingAt, closedAt }) => completingAt !== null && closedAt === null,
    );
  }

  async #assign(count: number): Promise<void> {
    const numbers = Array.from({ length: count }, () => this.#sent++);
    const messages = numbers.map((n) => ({
      key: this.#reference(n),
      value: Buffer.from(JSON.stringify(assigned(this.#reference(n), n % ORDERS_WITHOUT_REPETITION))),
      headers: { 'content-type': 'application/cloudevents+json' },
    }));
    await this.#publish(messages);
    for (const n of numbers) this.#sentAt.set(this.#reference(n), performance.now());
  }

  async #complete(count: number): Promise<void> {
    const oldest = this.#live.splice(0, count);
    // From here on a caller may be refused, and a second after the announcement must be.
    for (const binding of oldest) binding.completingAt = performance.now();
    await this.#publish(
      oldest.map(({ reference }) => ({
        key: reference,
        value: Buffer.from(
          JSON.stringify({
            specversion: '1.0',
            id: `completed-${reference}`,
            source: '/orders',
            type: 'order.completed',
            time: new Date(systemClock.now()).toISOString(),
            data: { orderId: reference },
          }),
        ),
        headers: { 'content-type': 'application/cloudevents+json' },
      })),
    );
    this.#completions += oldest.length;
  }

  /** It counts as sent when the broker has said so; until then it is said again. */
  async #publish(messages: readonly { key: string; value: Buffer; headers: Record<string, string> }[]) {
    if (messages.length === 0) return;
    for (;;) {
      try {
        return await this.#bus.publish(this.#deployment.topics.orders, messages);
      } catch (error) {
        if (this.#consumer === null) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  #reference(n: number): string {
    return `${this.#prefix}-${n}`;
  }

  #note(reference: string, id: string, type: string, data: unknown): void {
    const known = this.#announced.get(reference) ?? { ids: new Set<string>(), types: [] };
    this.#announced.set(reference, known);
    if (known.ids.has(id)) {
      this.#repeated++;
      return;
    }
    known.ids.add(id);
    known.types.push(type);
    if (type === 'session.opened') this.#noteOpened(reference, data as OpenedData);
    const binding = this.#bindings.get(reference);
    if (type === 'session.closed' && binding) {
      binding.closedAt = performance.now();
      this.#closed.push(binding);
      if (this.#closed.length > 1_000) this.#closed = this.#closed.slice(-500);
    }
  }

  #noteOpened(reference: string, data: OpenedData): void {
    const n = Number(reference.split('-')[1]) % ORDERS_WITHOUT_REPETITION;
    const standing = (role: string): string =>
      data.participants.find((participant) => participant.role === role)?.virtualNumber ?? '';
    const binding: Binding = {
      reference,
      parties: [
        { realNumber: personNumber(2 * n), virtualNumber: standing('customer') },
        { realNumber: personNumber(2 * n + 1), virtualNumber: standing('driver') },
      ],
      completingAt: null,
      closedAt: null,
    };
    this.#bindings.set(reference, binding);
    this.#live.push(binding);
    const sentAt = this.#sentAt.get(reference);
    if (sentAt !== undefined) this.latencies.push({ at: sentAt, ms: performance.now() - sentAt });
    this.#sentAt.delete(reference);
  }
}
