import { setImmediate as turn } from 'node:timers/promises';
import type { Bus, DeliveredMessage, Subscription } from '../bus/bus.ts';
import { MasklineError } from '../domain/errors.ts';
import { assertNever } from '../lib/assert.ts';
import { type BackoffOptions, backoffDelayMs } from '../lib/backoff.ts';
import { type Clock, pause } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { PhoneNumber } from '../privacy/phone-number.ts';
import type { Vault } from '../privacy/vault.ts';
import { ProfileDirectoryUnavailable } from '../profiles/profile-directory.ts';
import { StorageError } from '../storage/storage-error.ts';
import { StorageContention } from '../storage/storage.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import { sealDeadLetter } from './dead-letter.ts';
import { type OrderEvent, type OrderEventResult, readOrderEvent } from './orders-events.ts';
import { type Poison, poisonReasonOf } from './poison.ts';

interface OrderCommand {
  readonly tenant: string;
  readonly source: string;
  readonly eventId: string;
  readonly occurredAt: number;
  readonly orderId: string;
}

/** `duplicate`: the inbox has this event already, and nothing was changed. */
export type Applied = 'applied' | 'duplicate';

/**
 * What the events ask for. Each writes its inbox row and its effect in one transaction. They throw
 * MasklineError for a refusal that will stay one, StorageError and ProfileDirectoryUnavailable for trouble
 * that may pass.
 */
export interface OrderUseCases {
  placeOrder(command: OrderCommand & { pool: string; customerId: string }): Promise<Applied>;
  assignDriver(
    command: OrderCommand & {
      pool: string;
      assignment: number;
      participants: { role: string; userId: string | null; realNumber: PhoneNumber | null }[];
    },
  ): Promise<Applied>;
  endOrder(command: OrderCommand & { reason: 'completed' | 'cancelled' }): Promise<Applied>;
  /** they gather what comes at once and limit themselves */
  readonly together?: boolean;
  /** Which of these events were applied before, by their place: only to spare work, since applying decides. */
  known?(tenant: string, events: readonly KnownEvent[]): Promise<ReadonlySet<number>>;
}

export interface KnownEvent {
  readonly source: string;
  readonly eventId: string;
}

export interface OrdersConsumerOptions {
  /** whose orders these are: a topic belongs to one tenant */
  readonly tenant: string;
  readonly useCases: OrderUseCases;
  readonly bus: Pick<Bus, 'publish'>;
  readonly deadLetterTopic: string;
  readonly vault: Pick<Vault, 'keysOf'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'eventsConsumed' | 'deadLetters' | 'eventRetries'>;
}

/**
 * Several lots, so that one is prepared while the database works on another, and the end of a batch, which waits for
 * its last lot, comes seldom. What is delivered again after a crash is at most this, and the inbox knows it.
 */
export const ORDERS_BATCH_SIZE = 1_000;
const READ_AT_ONCE = 100;
/** Use cases that run at once; more would only queue for the same database connections. */
const CONCURRENCY = 8;
const ATTEMPTS = 8;
/** 18 s in all at most, then the bus takes over; never more than 5 s late when the database is back */
const STORAGE_BACKOFF: BackoffOptions = { firstDelayMs: 250, maxDelayMs: 5_000 };
/** 48 s in all at most: longer would keep completions of the same partition waiting, and with them revocation */
const PROFILE_BACKOFF: BackoffOptions = { firstDelayMs: 500, maxDelayMs: 16_000 };

/**
 * Handles topic `orders`: events of one order one after another, those of different orders side by side.
 * What can never be processed goes to the dead-letter topic, and the partition moves on. While our own database
 * is away nothing does: the batch is rejected, so that the bus delivers it again.
 */
export function createOrdersConsumer(options: OrdersConsumerOptions): Subscription['handle'] {
  const limit = new ConcurrencyLimit(CONCURRENCY);

  return async (batch, signal) => {
    const readAt = options.clock.now();
    const received: Received[] = [];
    for (const message of batch) {
      // A large batch takes 20 ms to read, and a call that comes in between shall not wait for all of it.
      if (received.length % READ_AT_ONCE === READ_AT_ONCE - 1) await turn();
      received.push({ message, read: readOrderEvent(message, readAt) });
    }
    const fresh = await withoutKnown(received);
    // One chain that has given up ends the waits of all others: the batch comes again as a whole.
    const givenUp = new AbortController();
    const waits = AbortSignal.any([signal, givenUp.signal]);
    const chains = [...byKey(fresh).values()].map(async (messages) => {
      try {
        for (const message of messages) {
          if (givenUp.signal.aborted) return;
          await handleMessage(message, waits);
        }
      } catch (error) {
        givenUp.abort();
        throw error;
      }
    });
    const failure = (await Promise.allSettled(chains)).find((chain) => chain.status === 'rejected');
    if (failure) throw failure.reason;
  };

  /** A topic that is read from its start is mostly known: one question spares a transaction for each event. */
  async function withoutKnown(received: readonly Received[]): Promise<readonly Received[]> {
    if (!options.useCases.known) return received;
    const readable = received.flatMap((one) => (one.read.ok ? [{ one, event: one.read.event }] : []));
    try {
      const known = await options.useCases.known(
        options.tenant,
        readable.map(({ event }) => event),
      );
      const drop = new Set(readable.flatMap(({ one }, place) => (known.has(place) ? [one] : [])));
      for (const { read } of drop) {
        if (read.ok) options.metrics.eventsConsumed.inc({ type: read.event.type, outcome: 'duplicate' });
      }
      return received.filter((one) => !drop.has(one));
    } catch (error) {
      // Storage is in trouble: each event meets it again, and has its own patience.
      if (error instanceof StorageError) return received;
      throw error;
    }
  }

  async function handleMessage({ message, read }: Received, waits: AbortSignal): Promise<void> {
    if (!read.ok) return bury(message, read, 'unknown');
    const { event } = read;
    for (let attempt = 0; ; attempt++) {
      const trouble = await attemptEvent(event);
      if (trouble === null) return;
      if (trouble.kind === 'permanent') return bury(message, trouble.poison, event.type);
      const last = attempt + 1 >= ATTEMPTS;
      if (last && trouble.kind === 'profile') {
        const detail = `The Profile directory did not answer in ${ATTEMPTS} attempts.`;
        return bury(message, { reason: 'profile_unavailable', detail }, event.type);
      }
      if (last || waits.aborted) throw trouble.error;
      const backoff = trouble.kind === 'profile' ? PROFILE_BACKOFF : STORAGE_BACKOFF;
      options.log.warn(
        { error: trouble.error, type: event.type, attempt, ...positionOf(message) },
        'an order event will be tried again',
      );
      options.metrics.eventRetries.inc({ type: event.type, cause: trouble.kind });
      // The place under the limit is free meanwhile, so that a hundred waiting orders do not stop the others.
      await pause(options.clock, backoffDelayMs(attempt, backoff, options.random), waits);
      if (waits.aborted) throw trouble.error;
    }
  }

  /** Null when the event has taken effect, now or earlier. */
  async function attemptEvent(event: OrderEvent): Promise<Trouble | null> {
    try {
      const { useCases, tenant } = options;
      const apply = (): Promise<Applied> => applyEvent(useCases, tenant, event);
      const outcome = await (useCases.together === true ? apply() : limit.run(apply));
      options.metrics.eventsConsumed.inc({ type: event.type, outcome });
      return null;
    } catch (error) {
      return troubleOf(error);
    }
  }

  /** Rejects when the dead letter may not be stored: then the batch comes again, and nothing is lost. */
  async function bury(message: DeliveredMessage, poison: Poison, type: string): Promise<void> {
    const { tenant, clock } = options;
    const keys = await options.vault.keysOf(tenant);
    const letter = sealDeadLetter(message, poison, { tenant, keys, failedAt: clock.now() });
    await limit.run(() => options.bus.publish(options.deadLetterTopic, [letter]));
    const { reason, detail } = poison;
    options.log.warn({ reason, detail, ...positionOf(message) }, 'an order event became a dead letter');
    options.metrics.eventsConsumed.inc({ type, outcome: 'dead_letter' });
    options.metrics.deadLetters.inc({ reason });
  }
}

type Trouble =
  | { readonly kind: 'storage' | 'profile'; readonly error: Error }
  | { readonly kind: 'permanent'; readonly poison: Poison };

function troubleOf(error: unknown): Trouble {
  if (error instanceof ProfileDirectoryUnavailable) return { kind: 'profile', error };
  if (error instanceof StorageContention) return { kind: 'storage', error };
  if (error instanceof StorageError && isPassing(error)) return { kind: 'storage', error };
  if (error instanceof MasklineError) {
    if (error.code === 'MASK_DEPENDENCY_UNAVAILABLE') return { kind: 'storage', error };
    return { kind: 'permanent', poison: { reason: poisonReasonOf(error.code), detail: error.message } };
  }
  // Whatever the message says is not known to be free of numbers; the name is.
  const name = error instanceof Error ? error.name : typeof error;
  return { kind: 'permanent', poison: { reason: 'processing_failed', detail: `It failed with ${name}.` } };
}

function isPassing(error: StorageError): boolean {
  switch (error.code) {
    case 'unavailable':
    case 'commit_unknown':
    case 'timeout':
    case 'full':
      return true;
    case 'constraint':
    case 'other':
      return false;
    default:
      return assertNever(error.code);
  }
}

function applyEvent(useCases: OrderUseCases, tenant: string, event: OrderEvent): Promise<Applied> {
  const { source, eventId, occurredAt, orderId } = event;
  const command = { tenant, source, eventId, occurredAt, orderId };
  switch (event.type) {
    case 'order.placed':
      return useCases.placeOrder({ ...command, pool: event.pool, customerId: event.customerId });
    case 'order.driver_assigned': {
      const { pool, assignment, participants } = event;
      return useCases.assignDriver({ ...command, pool, assignment, participants: [...participants] });
    }
    case 'order.completed':
      return useCases.endOrder({ ...command, reason: 'completed' });
    case 'order.cancelled':
      return useCases.endOrder({ ...command, reason: 'cancelled' });
    default:
      return assertNever(event);
  }
}

interface Received {
  readonly message: DeliveredMessage;
  readonly read: OrderEventResult;
}

function byKey(batch: readonly Received[]): Map<string, Received[]> {
  const chains = new Map<string, Received[]>();
  for (const received of batch) {
    const { key } = received.message;
    const chain = chains.get(key);
    if (chain) chain.push(received);
    else chains.set(key, [received]);
  }
  return chains;
}

function positionOf(message: DeliveredMessage): object {
  return { topic: message.topic, partition: message.partition, offset: String(message.offset) };
}
