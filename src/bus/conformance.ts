import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../lib/clock.ts';
import {
  type Bus,
  BusError,
  type BusMessage,
  type Consumer,
  type DeliveredMessage,
  MESSAGE_BYTES_MAXIMUM,
  type Subscription,
} from './bus.ts';

/** One implementation of the port, on a bench. */
export interface BusBench {
  readonly bus: Bus;
  /** the clock of that bus */
  readonly clock: Clock;
  /** a topic that is there and that nothing else uses */
  topic(): Promise<string>;
  /** a second bus on the same log, as another replica would have it; the bench closes it */
  openAnother(): Promise<Bus>;
  /**
   * Has another process join the group, receive a batch that it never finishes, and die as by `kill -9`.
   * Returns the keys of that batch.
   */
  crashWhileHandling(topic: string, group: string): Promise<readonly string[]>;
  /** lets some milliseconds pass, by hand where that is possible */
  tick(): Promise<void>;
  close(): Promise<void>;
}

const TICKS_MAXIMUM = 2_000;

/** The promise of the Bus port, to be run against every implementation. */
export function exerciseBus(name: string, createBench: () => Promise<BusBench>): void {
  describe(`Bus: ${name}`, () => {
    let bench: BusBench;
    let topic: string;
    beforeEach(async () => {
      bench = await createBench();
      topic = await bench.topic();
    });
    afterEach(() => bench.close());

    async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
      for (let ticks = 0; ticks < TICKS_MAXIMUM; ticks++) {
        if (await condition()) return;
        await bench.tick();
      }
      throw new Error(`It never came to this: ${what}`);
    }

    async function pass(ms: number): Promise<void> {
      const end = bench.clock.now() + ms;
      await until('time passes', () => bench.clock.now() >= end);
    }

    function subscribe(
      recorder: Pick<Subscription, 'handle'>,
      options: { group?: string; batchSize?: number; bus?: Bus } = {},
    ): Promise<Consumer> {
      const { group = 'g', batchSize, bus = bench.bus } = options;
      return bus.subscribe({
        topic,
        group,
        handle: recorder.handle,
        ...(batchSize !== undefined && { batchSize }),
      });
    }

    describe('delivery', () => {
      it('delivers key, value and headers as they were published', async () => {
        const sent: BusMessage[] = [
          { key: 'o1', value: Uint8Array.from({ length: 256 }, (_, i) => i), headers: {} },
          {
            key: 'Ωμέγα, "quoted"\\',
            value: new Uint8Array(0),
            headers: { 'content-type': 'a/b', ce_id: '{ü,"}' },
          },
        ];
        await bench.bus.publish(topic, sent);
        const recorder = record();
        await subscribe(recorder);
        await until('both arrive', () => recorder.messages.length >= 2);
        for (const message of sent) {
          const got = recorder.messages.find(({ key }) => key === message.key);
          expect(got?.topic).toBe(topic);
          expect(Buffer.from(got?.value ?? []).equals(Buffer.from(message.value))).toBe(true);
          expect(got?.headers).toEqual(message.headers);
        }
      });

      it('takes an empty publication', async () => {
        await bench.bus.publish(topic, []);
        expect(await bench.bus.lag(topic, 'g')).toBe(0n);
      });

      it('delivers what is published while a consumer waits', async () => {
        const recorder = record();
        await subscribe(recorder);
        await bench.bus.publish(topic, numbered('a', 1));
        await until('the first arrives', () => recorder.messages.length === 1);
        await bench.bus.publish(topic, numbered('a', 1, 1));
        await until('the second arrives', () => recorder.messages.length === 2);
        expect(texts(recorder.messages)).toEqual(['a:0', 'a:1']);
      });

      it('keeps the order of each of many keys, over several publications and batches', async () => {
        const keys = Array.from({ length: 100 }, (_, i) => `order-${i}`);
        for (let round = 0; round < 5; round++) {
          await bench.bus.publish(
            topic,
            keys.flatMap((key) => numbered(key, 2, round * 2)),
          );
        }
        const recorder = record();
        await subscribe(recorder, { batchSize: 77 });
        await until('all arrive', () => recorder.messages.length >= 1_000);
        expect(recorder.messages).toHaveLength(1_000);
        for (const key of keys) {
          const own = recorder.messages.filter((message) => message.key === key);
          expect(texts(own)).toEqual(texts(numbered(key, 10)));
          expect(own.map(({ offset }) => offset)).toEqual(own.map(({ offset }) => offset).sort(ascending));
          expect(new Set(own.map(({ partition }) => partition)).size).toBe(1);
        }
      });

      it('gives every group every message', async () => {
        await bench.bus.publish(topic, numbered('a', 3));
        const [first, second] = [record(), record()];
        await subscribe(first, { group: 'first' });
        await subscribe(second, { group: 'second' });
        await until('both have all', () => first.messages.length >= 3 && second.messages.length >= 3);
        expect(texts(first.messages)).toEqual(texts(second.messages));
      });

      it('never hands over a batch above the limit, nor two at once to one consumer', async () => {
        await bench.bus.publish(topic, numbered('a', 50));
        let running = 0;
        let overlapped = false;
        const recorder = record(async () => {
          overlapped ||= ++running > 1;
          await bench.tick();
          running--;
        });
        await subscribe(recorder, { batchSize: 7 });
        await until('all arrive', () => recorder.messages.length >= 50);
        expect(Math.max(...recorder.batches.map((batch) => batch.length))).toBeLessThanOrEqual(7);
        expect(overlapped).toBe(false);
        expect(texts(recorder.messages)).toEqual(texts(numbered('a', 50)));
      });

      it('hands over at most 200 messages at a time when nothing else was asked for', async () => {
        await bench.bus.publish(topic, numbered('a', 450));
        const recorder = record();
        await subscribe(recorder);
        await until('all arrive', () => recorder.messages.length >= 450);
        expect(Math.max(...recorder.batches.map((batch) => batch.length))).toBeLessThanOrEqual(200);
      });
    });

    describe('commits', () => {
      it('counts as lag what is not committed, and commits when the batch has been handled', async () => {
        await bench.bus.publish(topic, numbered('a', 3));
        expect(await bench.bus.lag(topic, 'g')).toBe(3n);
        const held = hold();
        const recorder = record(() => held.promise);
        await subscribe(recorder);
        await until('the batch is in hand', () => recorder.messages.length === 3);
        expect(await bench.bus.lag(topic, 'g')).toBe(3n);
        held.release();
        await until('it is committed', async () => (await bench.bus.lag(topic, 'g')) === 0n);
        expect(await bench.bus.lag(topic, 'another')).toBe(3n);
      });

      it('does not deliver again what was committed', async () => {
        await bench.bus.publish(topic, numbered('a', 3));
        const before = record();
        const consumer = await subscribe(before);
        await until('all are committed', async () => (await bench.bus.lag(topic, 'g')) === 0n);
        await consumer.stop();
        await bench.bus.publish(topic, numbered('a', 2, 3));
        const after = record();
        await subscribe(after);
        await until('the rest arrives', () => after.messages.length >= 2);
        expect(texts(after.messages)).toEqual(['a:3', 'a:4']);
      });

      it('delivers the same messages again, after a pause, when the batch was rejected', async () => {
        await bench.bus.publish(topic, numbered('a', 3));
        const handledAt: number[] = [];
        const recorder = record(async () => {
          handledAt.push(bench.clock.now());
          if (handledAt.length < 3) throw new Error('not now');
        });
        await subscribe(recorder);
        await until('it is committed', async () => (await bench.bus.lag(topic, 'g')) === 0n);
        const [first, second, third] = recorder.batches.map(texts);
        expect(first?.at(0)).toBe('a:0');
        expect(second?.slice(0, first?.length)).toEqual(first);
        expect(third?.slice(0, second?.length)).toEqual(second);
        expect((handledAt[1] ?? 0) - (handledAt[0] ?? 0)).toBeGreaterThanOrEqual(400);
        expect((handledAt[2] ?? 0) - (handledAt[1] ?? 0)).toBeGreaterThanOrEqual(400);
        // Nothing overtook what was rejected, and nothing was left out.
        const seen = texts(recorder.messages).filter((text, i, all) => all.indexOf(text) === i);
        expect(seen).toEqual(['a:0', 'a:1', 'a:2']);
      });

      it('delivers again what a killed process had in hand', async () => {
        await bench.bus.publish(topic, numbered('a', 5));
        const inHand = await bench.crashWhileHandling(topic, 'g');
        expect(inHand.length).toBeGreaterThan(0);
        expect(await bench.bus.lag(topic, 'g')).toBe(5n);
        const diedAt = bench.clock.now();
        const recorder = record();
        await subscribe(recorder);
        await until('all arrive', () => recorder.messages.length >= 5);
        expect(texts(recorder.messages)).toEqual(texts(numbered('a', 5)));
        expect(bench.clock.now() - diedAt).toBeLessThanOrEqual(15_000);
      });
    });

    describe('consumers', () => {
      it('lets the batch in hand finish and commits it when stopped', async () => {
        await bench.bus.publish(topic, numbered('a', 3));
        const held = hold();
        let told = false;
        const recorder = record((signal) => {
          signal.addEventListener('abort', () => {
            told = true;
          });
          return held.promise;
        });
        const consumer = await subscribe(recorder);
        await until('the batch is in hand', () => recorder.messages.length === 3);
        let stopped = false;
        const stopping = consumer.stop().then(() => {
          stopped = true;
        });
        await bench.tick();
        expect(told).toBe(true);
        expect(stopped).toBe(false);
        held.release();
        await until('it stops', () => stopped);
        await stopping;
        expect(await bench.bus.lag(topic, 'g')).toBe(0n);
      });

      it('does not commit a batch that is rejected while stopping', async () => {
        await bench.bus.publish(topic, numbered('a', 3));
        const recorder = record(
          (signal) =>
            new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
        );
        const consumer = await subscribe(recorder);
        await until('the batch is in hand', () => recorder.messages.length > 0);
        await consumer.stop();
        expect(await bench.bus.lag(topic, 'g')).toBe(3n);
      });

      it('delivers nothing after stop', async () => {
        const recorder = record();
        const consumer = await subscribe(recorder);
        await consumer.stop();
        await consumer.stop();
        await bench.bus.publish(topic, numbered('a', 1));
        await pass(1_500);
        expect(recorder.messages).toEqual([]);
      });

      it('shares the work of a group between replicas, and one goes on when the other leaves', async () => {
        const keys = Array.from({ length: 40 }, (_, i) => `order-${i}`);
        const other = await bench.openAnother();
        const [ours, theirs] = [record(), record()];
        const consumer = await subscribe(ours);
        await subscribe(theirs, { bus: other });
        const both = (): DeliveredMessage[] => [...ours.messages, ...theirs.messages];
        await bench.bus.publish(
          topic,
          keys.flatMap((key) => numbered(key, 1)),
        );
        await until('the first half arrives', async () => (await other.lag(topic, 'g')) === 0n);
        await consumer.stop();
        await other.publish(
          topic,
          keys.flatMap((key) => numbered(key, 1, 1)),
        );
        await until('the second half arrives', async () => (await other.lag(topic, 'g')) === 0n);
        expect(new Set(texts(both())).size).toBe(80);
        expect(texts(ours.messages).every((text) => text.endsWith(':0'))).toBe(true);
        for (const key of keys) {
          // A rebalance may double a message; it may not turn the order around.
          const own = texts(both().filter((message) => message.key === key));
          expect(own.filter((text, i) => own.indexOf(text) === i)).toEqual([`${key}:0`, `${key}:1`]);
        }
      });
    });

    describe('publishing', () => {
      it('is durable for others when it resolves', async () => {
        const other = await bench.openAnother();
        await other.publish(topic, numbered('a', 2));
        expect(await bench.bus.lag(topic, 'g')).toBe(2n);
        await other.close();
        const recorder = record();
        await subscribe(recorder);
        await until('both arrive', () => recorder.messages.length >= 2);
        expect(texts(recorder.messages)).toEqual(['a:0', 'a:1']);
      });

      it('takes many publications at once without losing or doubling one', async () => {
        const publications = Array.from({ length: 40 }, (_, i) =>
          bench.bus.publish(topic, numbered(`k${i}`, 25)),
        );
        let published = false;
        const done = Promise.all(publications).then(() => {
          published = true;
        });
        await until('all are published', () => published);
        await done;
        expect(await bench.bus.lag(topic, 'g')).toBe(1_000n);
        const recorder = record();
        await subscribe(recorder);
        await until('all arrive', () => recorder.messages.length >= 1_000);
        expect(new Set(texts(recorder.messages)).size).toBe(1_000);
        for (let i = 0; i < 40; i++) {
          const own = recorder.messages.filter(({ key }) => key === `k${i}`);
          expect(texts(own)).toEqual(texts(numbered(`k${i}`, 25)));
        }
      });

      it('takes a message of just the largest size', async () => {
        const value = new Uint8Array(MESSAGE_BYTES_MAXIMUM - 1).fill(65);
        await bench.bus.publish(topic, [{ key: 'k', value, headers: {} }]);
        const recorder = record();
        await subscribe(recorder);
        await until('it arrives', () => recorder.messages.length === 1);
        expect(recorder.messages[0]?.value.byteLength).toBe(value.byteLength);
      });

      it.each<[string, BusMessage, string]>([
        [
          'a message that is too large',
          { key: 'k', value: new Uint8Array(MESSAGE_BYTES_MAXIMUM), headers: {} },
          'message_too_large',
        ],
        ['a header in capitals', { key: 'k', value: new Uint8Array(1), headers: { Big: '1' } }, 'invalid'],
        ['a key with NUL', { key: 'a\0', value: new Uint8Array(1), headers: {} }, 'invalid'],
        [
          'a header with half a surrogate pair',
          { key: 'k', value: new Uint8Array(1), headers: { x: '\ud800' } },
          'invalid',
        ],
      ])('refuses %s, and with it the whole call', async (_, message, code) => {
        await expect(bench.bus.publish(topic, [...numbered('a', 1), message])).rejects.toMatchObject({
          name: 'BusError',
          code,
        });
        expect(await bench.bus.lag(topic, 'g')).toBe(0n);
      });

      it('refuses names and batch sizes that it cannot carry', async () => {
        const { handle } = record();
        await expect(bench.bus.publish('a topic', [])).rejects.toBeInstanceOf(BusError);
        for (const wrong of [{ topic: '' }, { group: 'a/b' }, { batchSize: 0 }, { batchSize: 10_001 }]) {
          const subscription = { topic, group: 'g', handle, ...wrong };
          await expect(bench.bus.subscribe(subscription)).rejects.toMatchObject({ code: 'invalid' });
        }
      });

      it('stops its consumers when closed, and refuses from then on', async () => {
        await bench.bus.publish(topic, numbered('a', 1));
        const held = hold();
        const recorder = record(() => held.promise);
        await subscribe(recorder);
        await until('the batch is in hand', () => recorder.messages.length === 1);
        let closed = false;
        const closing = bench.bus.close().then(() => {
          closed = true;
        });
        await bench.tick();
        expect(closed).toBe(false);
        held.release();
        await closing;
        await bench.bus.close();
        await expect(bench.bus.publish(topic, numbered('a', 1))).rejects.toMatchObject({ code: 'closed' });
        await expect(subscribe(record())).rejects.toMatchObject({ code: 'closed' });
        const other = await bench.openAnother();
        expect(await other.lag(topic, 'g')).toBe(0n);
      });
    });
  });
}

interface Recorder extends Pick<Subscription, 'handle'> {
  readonly batches: DeliveredMessage[][];
  readonly messages: DeliveredMessage[];
}

function record(then: (signal: AbortSignal) => Promise<unknown> = async () => undefined): Recorder {
  const batches: DeliveredMessage[][] = [];
  return {
    batches,
    get messages() {
      return batches.flat();
    },
    async handle(batch, signal) {
      batches.push([...batch]);
      await then(signal);
    },
  };
}

function hold(): { promise: Promise<void>; release: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, release: resolve };
}

function numbered(key: string, count: number, first = 0): BusMessage[] {
  return Array.from({ length: count }, (_, i) => ({
    key,
    value: Buffer.from(`${key}:${first + i}`),
    headers: { position: String(first + i) },
  }));
}

function texts(messages: readonly BusMessage[]): string[] {
  return messages.map(({ value }) => Buffer.from(value).toString());
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : 1;
}
