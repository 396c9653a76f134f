import type { Bus, DeliveredMessage } from '../bus/bus.ts';
import { type Clock, pause } from '../lib/clock.ts';

const LIMIT_MS = 60_000;
const LOOK_MS = 100;
const MESSAGES_MAXIMUM = 100_000;

/**
 * Reads a topic from its oldest message to its newest, with a group that nobody else uses.
 * @throws Error when it cannot be read to its end in a minute, or holds more than 100,000 messages
 */
export async function readTopic(
  bus: Pick<Bus, 'subscribe' | 'lag'>,
  options: { readonly topic: string; readonly group: string; readonly clock: Clock },
): Promise<DeliveredMessage[]> {
  const { topic, group, clock } = options;
  const messages: DeliveredMessage[] = [];
  const consumer = await bus.subscribe({
    topic,
    group,
    handle: async (batch) => {
      if (messages.length + batch.length <= MESSAGES_MAXIMUM) messages.push(...batch);
      else messages.length = MESSAGES_MAXIMUM + 1;
    },
  });
  try {
    const deadline = clock.now() + LIMIT_MS;
    // What the group has not committed, it has not handled: no lag means that everything is here.
    while ((await bus.lag(topic, group)) !== 0n) {
      if (messages.length > MESSAGES_MAXIMUM) {
        throw new Error(`Topic ${topic} holds more than ${MESSAGES_MAXIMUM} messages.`);
      }
      if (clock.now() > deadline) {
        throw new Error(`Topic ${topic} cannot be read. \`maskline doctor\` says more.`);
      }
      await pause(clock, LOOK_MS);
    }
    return messages;
  } finally {
    await consumer.stop();
  }
}
