import type { FastifyBaseLogger } from 'fastify';
import type { Bus, Consumer, DeliveredMessage } from '../../../../src/bus/bus.ts';
import type { DeliveryContext } from '../delivery-context.ts';
import { retryPause } from '../retry-pause.ts';
import { applyMaskingEvent } from './apply-masking-event.ts';
import { readEnvelope } from './masking-event.ts';

const GROUP = 'delivery';

interface MaskingConsumerOptions {
  readonly bus: Bus;
  readonly topic: string;
  readonly log: FastifyBaseLogger;
}

/** Follows Maskline's events. A bus that is away when we start is tried again until `stop`. */
export function startMaskingConsumer(
  context: DeliveryContext,
  { bus, topic, log }: MaskingConsumerOptions,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const started = subscribe();

  async function subscribe(): Promise<Consumer | null> {
    for (let attempt = 0; !stopping.signal.aborted; attempt++) {
      try {
        return await bus.subscribe({ topic, group: GROUP, handle });
      } catch (error) {
        log.warn({ err: error, topic }, 'the bus does not take a subscription; trying again');
        await retryPause(attempt, context, stopping.signal);
      }
    }
    return null;
  }

  async function handle(batch: readonly DeliveredMessage[]): Promise<void> {
    for (const message of batch) {
      const event = readEnvelope(message);
      // Nothing here would ever read it: coming back to it would only stop what follows.
      if (event) applyMaskingEvent(context, event, log);
      else log.warn({ topic, offset: String(message.offset) }, 'message is no CloudEvent and was left out');
    }
    context.stores.activity.forgetOldEvents(context.clock.now());
  }

  return {
    async stop() {
      stopping.abort();
      const consumer = await started;
      await consumer?.stop();
    },
  };
}
