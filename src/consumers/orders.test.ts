import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { BusError, type BusMessage, type DeliveredMessage, MESSAGE_BYTES_MAXIMUM } from '../bus/bus.ts';
import { checkMessages } from '../bus/check-message.ts';
import { type ErrorCode, MasklineError } from '../domain/errors.ts';
import { ManualClock } from '../lib/manual-clock.ts';
import { seededRandom } from '../lib/random.ts';
import { silentLog } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { UnsealError, Vault } from '../privacy/vault.ts';
import { ProfileDirectoryUnavailable } from '../profiles/profile-directory.ts';
import { StorageError, type StorageErrorCode } from '../storage/storage-error.ts';
import { openDeadLetter } from './dead-letter.ts';
import { type Applied, createOrdersConsumer, type OrderUseCases } from './orders.ts';

const TENANT = 'acme';
const TIME = '2026-01-01T00:00:00.000Z';

function createBench() {
  const clock = new ManualClock();
  const random = seededRandom(7);
  const dataKeys: Parameters<Vault['unwrapAll']>[1][number][] = [];
  const vault = new Vault(
    new Uint8Array(32),
    {
      dataKeyList: async () => dataKeys,
      dataKeyInsert: async (_, key) => void dataKeys.push(key),
    },
    clock,
    random,
  );
  const applied: string[] = [];
  // What each attempt does, by order; the default is to apply.
  const behaviour = new Map<string, (attempt: number) => Promise<Applied>>();
  const attempts = new Map<string, number>();
  async function apply(verb: string, orderId: string): Promise<Applied> {
    const attempt = attempts.get(orderId) ?? 0;
    attempts.set(orderId, attempt + 1);
    const outcome = (await behaviour.get(orderId)?.(attempt)) ?? 'applied';
    applied.push(`${verb} ${orderId}`);
    return outcome;
  }
  const useCases: OrderUseCases = {
    placeOrder: (command) => apply('place', command.orderId),
    assignDriver: (command) => apply('assign', command.orderId),
    endOrder: (command) => apply(command.reason, command.orderId),
  };
  const dead: BusMessage[] = [];
  let publish = async (messages: readonly BusMessage[]): Promise<void> => void dead.push(...messages);
  const metrics = createMetrics();
  const handle = createOrdersConsumer({
    tenant: TENANT,
    useCases,
    bus: {
      publish: async (topic, messages) => {
        expect(topic).toBe('orders.dead-letter');
        checkMessages(topic, messages);
        await publish(messages);
      },
    },
    deadLetterTopic: 'orders.dead-letter',
    vault,
    clock,
    random,
    log: silentLog,
    metrics,
  });
  const stopping = new AbortController();

  /** Runs a batch to its end, moving time wherever the consumer waits. */
  async function run(batch: readonly DeliveredMessage[]): Promise<'committed' | Error> {
    let result: 'committed' | Error | null = null;
    handle(batch, stopping.signal).then(
      () => {
        result = 'committed';
      },
      (error: Error) => {
        result = error;
      },
    );
    for (let ticks = 0; ticks < 10_000; ticks++) {
      await setImmediate();
      if (result !== null) return result;
      clock.advance(50);
    }
    throw new Error('The batch never ended.');
  }

  return {
    clock,
    vault,
    applied,
    behaviour,
    attempts,
    dead,
    metrics,
    stopping,
    handle,
    run,
    failPublishing: () => {
      publish = async () => {
        throw new BusError('unavailable', 'The log is away.');
      };
    },
  };
}

let offset = 0n;
function delivered(key: string, value: Uint8Array, headers: Record<string, string> = {}): DeliveredMessage {
  return { topic: 'orders', partition: 2, offset: offset++, key, value, headers };
}

function event(type: string, orderId: string, data: object = {}): DeliveredMessage {
  const id = `e${offset}`;
  const value = { specversion: '1.0', id, source: '/orders', type, time: TIME, data: { orderId, ...data } };
  return delivered(orderId, Buffer.from(JSON.stringify(value)));
}

const placed = (orderId: string) => event('order.placed', orderId, { pool: 'city', customerId: 'c1' });
const completed = (orderId: string) => event('order.completed', orderId);
const assigned = (orderId: string, realNumber = '+12025550123') =>
  event('order.driver_assigned', orderId, {
    pool: 'city',
    participants: [
      { role: 'customer', userId: 'c1' },
      { role: 'driver', userId: 'd1', realNumber },
    ],
  });

describe('createOrdersConsumer', () => {
  let bench: ReturnType<typeof createBench>;
  beforeEach(() => {
    offset = 0n;
    bench = createBench();
  });
  const reasons = (): (string | undefined)[] => bench.dead.map(({ headers }) => headers.reason);

  it('asks the use cases for what the events say', async () => {
    expect(await bench.run([placed('o1'), assigned('o1'), completed('o1')])).toBe('committed');
    expect(await bench.run([event('order.cancelled', 'o2')])).toBe('committed');
    expect(bench.applied).toEqual(['place o1', 'assign o1', 'completed o1', 'cancelled o2']);
    expect(bench.dead).toEqual([]);
  });

  it('keeps the order of one key and works on eight others meanwhile, no more', async () => {
    let running = 0;
    let most = 0;
    const release = Promise.withResolvers<void>();
    for (let i = 0; i < 20; i++) {
      bench.behaviour.set(`o${i}`, async () => {
        most = Math.max(most, ++running);
        await release.promise;
        running--;
        return 'applied';
      });
    }
    const batch = Array.from({ length: 20 }, (_, i) => [placed(`o${i}`), completed(`o${i}`)]).flat();
    let committed = false;
    const handling = bench.handle(batch, bench.stopping.signal).then(() => {
      committed = true;
    });
    while (running < 8) await setImmediate();
    for (let turns = 0; turns < 20; turns++) await setImmediate();
    expect(running).toBe(8);
    expect(committed).toBe(false);
    release.resolve();
    await handling;
    expect(most).toBe(8);
    expect(bench.applied).toHaveLength(40);
    for (let i = 0; i < 20; i++) {
      expect(bench.applied.indexOf(`place o${i}`)).toBeLessThan(bench.applied.indexOf(`completed o${i}`));
    }
  });

  it('buries what it cannot read, sealed, and goes on with the same order', async () => {
    const first = placed('o1');
    const broken = delivered('o1', Buffer.from('{"realNumber":"+12025550123"'), { trace: '+12025550124' });
    const unknown = event('order.teleported', 'o1');
    const invalid = event('order.completed', 'o1', { realNumber: '+12025550123' });
    const number = assigned('o1', 'anonymous');
    expect(await bench.run([first, broken, unknown, invalid, number, completed('o1')])).toBe('committed');
    expect(bench.applied).toEqual(['place o1', 'completed o1']);
    expect(reasons()).toEqual(['not_a_cloud_event', 'unknown_type', 'invalid_data', 'invalid_number']);

    const [letter] = bench.dead;
    if (!letter) throw new Error('There is no dead letter.');
    expect(letter.key).toBe('orders/2/1');
    expect(letter.headers).toMatchObject({
      tenant: TENANT,
      original_topic: 'orders',
      original_partition: '2',
      original_offset: '1',
      original_complete: 'true',
    });
    const readable =
      JSON.stringify(letter.headers) + letter.key + Buffer.from(letter.value).toString('latin1');
    expect(readable).not.toContain('20255501');
    const opened = openDeadLetter(letter, await bench.vault.keysOf(TENANT));
    expect(opened).toMatchObject({ tenant: TENANT, complete: true, poison: { reason: 'not_a_cloud_event' } });
    expect(opened.original.key).toBe('o1');
    expect(opened.original.offset).toBe(1n);
    expect(opened.original.headers).toEqual({ trace: '+12025550124' });
    expect(Buffer.from(opened.original.value).toString()).toBe('{"realNumber":"+12025550123"');
  });

  it('seals a dead letter to its position and its tenant', async () => {
    await bench.run([delivered('o1', Buffer.from('?'))]);
    const [letter] = bench.dead;
    if (!letter) throw new Error('There is no dead letter.');
    const keys = await bench.vault.keysOf(TENANT);
    expect(() => openDeadLetter({ ...letter, key: 'orders/2/9' }, keys)).toThrow(UnsealError);
    const others = await createBench().vault.keysOf('globex');
    expect(() => openDeadLetter(letter, others)).toThrow(UnsealError);
  });

  it('buries a message of any size in a dead letter that the bus takes', async () => {
    const huge = delivered('k'.repeat(100_000), Buffer.alloc(10_000_000, 1), { x: '\u0001'.repeat(50_000) });
    const odd = delivered('\u0001'.repeat(8_000), Buffer.alloc(MESSAGE_BYTES_MAXIMUM), {
      x: '\u0001'.repeat(8_000),
    });
    expect(await bench.run([huge, odd])).toBe('committed');
    expect(reasons()).toEqual(['too_large', 'too_large']);
    expect(bench.dead.map(({ headers }) => headers.original_complete)).toEqual(['false', 'false']);
    expect(bench.dead[0]?.headers.original_bytes).toBe('10000000');
  });

  it.each<[ErrorCode, string]>([
    ['MASK_UNKNOWN_POOL', 'unknown_pool'],
    ['MASK_UNKNOWN_USER', 'unknown_user'],
    ['MASK_EQUAL_NUMBERS', 'invalid_number'],
    ['MASK_NUMBER_NOT_ALLOWED', 'invalid_number'],
    ['MASK_INVALID_REQUEST', 'invalid_data'],
    ['MASK_ALREADY_EXISTS', 'refused'],
    ['MASK_INTERNAL', 'processing_failed'],
  ])('buries the refusal %s as %s, at once', async (code, reason) => {
    bench.behaviour.set('o1', async () => {
      throw new MasklineError(code, 'Do this instead.');
    });
    expect(await bench.run([assigned('o1'), completed('o2')])).toBe('committed');
    expect(reasons()).toEqual([reason]);
    expect(bench.dead[0]?.headers.detail).toBe('Do this instead.');
    expect(bench.attempts.get('o1')).toBe(1);
    expect(bench.applied).toEqual(['completed o2']);
  });

  it('buries an unexpected failure without its message', async () => {
    bench.behaviour.set('o1', async () => {
      throw new RangeError('something about +12025550123');
    });
    expect(await bench.run([assigned('o1')])).toBe('committed');
    expect(reasons()).toEqual(['processing_failed']);
    expect(bench.dead[0]?.headers.detail).toBe('It failed with RangeError.');
  });

  it.each<StorageErrorCode>(['unavailable', 'commit_unknown', 'timeout', 'full'])(
    'tries again in place while storage says %s',
    async (code) => {
      bench.behaviour.set('o1', async (attempt) => {
        if (attempt < 3) throw new StorageError(code, 'Not now.');
        return attempt === 3 ? 'duplicate' : 'applied';
      });
      const from = bench.clock.now();
      expect(await bench.run([placed('o1'), completed('o1')])).toBe('committed');
      expect(bench.applied).toEqual(['place o1', 'completed o1']);
      expect(bench.clock.now() - from).toBeGreaterThan(500);
      expect(bench.dead).toEqual([]);
      const { values } = await bench.metrics.eventsConsumed.get();
      expect(values.map(({ labels, value }) => [labels.type, labels.outcome, value])).toEqual([
        ['order.placed', 'duplicate', 1],
        ['order.completed', 'applied', 1],
      ]);
    },
  );

  it('rejects the batch when storage stays away, within a minute, and buries nothing', async () => {
    const away = async (): Promise<Applied> => {
      throw new StorageError('unavailable', 'Not now.');
    };
    const orders = Array.from({ length: 100 }, (_, i) => `o${i}`);
    for (const order of orders) bench.behaviour.set(order, away);
    const from = bench.clock.now();
    const result = await bench.run(orders.flatMap((order) => [assigned(order), completed(order)]));
    expect(result).toMatchObject({ name: 'StorageError', code: 'unavailable' });
    expect(bench.clock.now() - from).toBeLessThan(60_000);
    expect(bench.applied).toEqual([]);
    expect(bench.dead).toEqual([]);
  });

  it('buries a defect of ours that storage refuses, so that the partition moves on', async () => {
    bench.behaviour.set('o1', async () => {
      throw new StorageError('other', 'syntax error');
    });
    expect(await bench.run([placed('o1'), placed('o2')])).toBe('committed');
    expect(reasons()).toEqual(['processing_failed']);
  });

  it('waits for the Profile directory within bounds, buries the order then, and holds up nobody else', async () => {
    const away = async (): Promise<Applied> => {
      throw new ProfileDirectoryUnavailable('Not now.');
    };
    const orders = Array.from({ length: 50 }, (_, i) => `o${i}`);
    for (const order of orders) bench.behaviour.set(order, away);
    const from = bench.clock.now();
    let otherAt = 0;
    bench.behaviour.set('other', async () => {
      otherAt = bench.clock.now();
      return 'applied';
    });
    expect(await bench.run([...orders.map((order) => assigned(order)), completed('other')])).toBe(
      'committed',
    );
    expect(bench.dead).toHaveLength(50);
    expect(new Set(reasons())).toEqual(new Set(['profile_unavailable']));
    expect(otherAt - from).toBeLessThan(1_000);
    expect(bench.clock.now() - from).toBeGreaterThan(20_000);
    expect(bench.clock.now() - from).toBeLessThan(60_000);
    expect(new Set(orders.map((order) => bench.attempts.get(order)))).toEqual(new Set([8]));
  });

  it('rejects the batch when the dead letter may not be stored', async () => {
    bench.failPublishing();
    expect(await bench.run([delivered('o1', Buffer.from('?')), completed('o2')])).toMatchObject({
      code: 'unavailable',
    });
  });

  it('stops waiting when it is asked to stop, and leaves the batch uncommitted', async () => {
    bench.behaviour.set('o1', async () => {
      throw new StorageError('unavailable', 'Not now.');
    });
    // Time stands still: only the signal can end the wait.
    const handling = bench.handle([placed('o1'), completed('o1')], bench.stopping.signal);
    while ((bench.attempts.get('o1') ?? 0) === 0) await setImmediate();
    bench.stopping.abort();
    await expect(handling).rejects.toMatchObject({ code: 'unavailable' });
    expect(bench.applied).toEqual([]);
    expect(bench.dead).toEqual([]);
  });

  it('finishes what is in hand when it is asked to stop and nothing is wrong', async () => {
    bench.stopping.abort();
    await bench.handle([placed('o1'), completed('o1')], bench.stopping.signal);
    expect(bench.applied).toEqual(['place o1', 'completed o1']);
  });
});
