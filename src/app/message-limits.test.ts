import { describe, expect, it } from 'vitest';
import { relayMessage } from './relay-message.ts';
import { createWorld, person, TENANT, type World, type WorldOptions } from './testing/world.ts';

const MINUTE_MS = 60_000;

async function openOrder(options: WorldOptions = {}) {
  const world = await createWorld(options);
  const { session } = await world.assign('order-1', [1, 2]);
  const [toCustomer, toDriver] = (session?.participants ?? []).map((p) => p.virtualNumber);
  let sent = 0;
  const text = async (from: number, to: string | null | undefined, id = `message-${sent++}`) =>
    relayMessage(world.app, {
      tenant: TENANT,
      providerAccount: 'operator',
      providerMessageId: id,
      sendingNumber: person(from),
      calledNumber: (to ?? null) as never,
      body: 'Where are you?',
      attachments: 0,
      mediaUrls: [],
    });
  return { world, toCustomer, toDriver, text };
}

describe('limits of texts', () => {
  it('passes on ten of a session in a minute, both ways together, and drops the rest in silence', async () => {
    const { world, toCustomer, toDriver, text } = await openOrder();
    for (let n = 0; n < 10; n++) {
      expect((await (n % 2 ? text(1, toDriver) : text(2, toCustomer))).reason).toBe('ok');
    }
    const eleventh = await text(1, toDriver);
    expect(eleventh).toMatchObject({ reason: 'rate_limited', instruction: { decision: 'drop' } });
    await world.clock.advance(MINUTE_MS);
    expect((await text(1, toDriver)).reason).toBe('ok');
  });

  it('passes on sixty in a day', async () => {
    const { world, toDriver, text } = await openOrder({ pool: { sessionTtlSeconds: 2 * 86_400 } });
    for (let n = 0; n < 60; n++) {
      expect((await text(1, toDriver)).reason).toBe('ok');
      await world.clock.advance(MINUTE_MS);
    }
    expect((await text(1, toDriver)).reason).toBe('rate_limited');
    await world.clock.advance(86_400_000 - 60 * MINUTE_MS);
    expect((await text(1, toDriver)).reason).toBe('ok');
  });

  it('never passes on more, however many come at one moment', async () => {
    const { toDriver, text } = await openOrder({ pool: { messagesPerMinuteMax: 3 } });
    const outcomes = await Promise.all(Array.from({ length: 25 }, () => text(1, toDriver)));
    expect(outcomes.filter(({ reason }) => reason === 'ok')).toHaveLength(3);
    expect(outcomes.filter(({ reason }) => reason === 'rate_limited')).toHaveLength(22);
  });

  it('answers a repeated webhook as it did at first', async () => {
    const { toDriver, text } = await openOrder({ pool: { messagesPerMinuteMax: 1 } });
    expect((await text(1, toDriver, 'the-same')).reason).toBe('ok');
    expect((await text(1, toDriver, 'the-same')).reason).toBe('ok');
    expect((await text(1, toDriver, 'another')).reason).toBe('rate_limited');
    expect((await text(1, toDriver, 'another')).reason).toBe('rate_limited');
  });

  it('counts each session by itself', async () => {
    const { world, toDriver, text } = await openOrder({ pool: { messagesPerMinuteMax: 1 } });
    const { session } = await world.assign('order-2', [3, 4]);
    expect((await text(1, toDriver)).reason).toBe('ok');
    expect((await text(1, toDriver)).reason).toBe('rate_limited');
    expect((await text(3, session?.participants[1]?.virtualNumber)).reason).toBe('ok');
  });

  it('sends nothing to strangers, not even an answer: SEC-19c', async () => {
    const { world, toDriver, text } = await openOrder();
    const strangers = Number(process.env.MASKLINE_STRANGERS ?? 300);
    let outbound = 0;
    for (let n = 0; n < strangers; n++) {
      const { instruction } = await text(5 + (n % 900), toDriver);
      if (instruction.decision !== 'drop') outbound++;
    }
    expect(outbound).toBe(0);
    expect(await usageRows(world)).toBe(0);
  });
});

/** Strangers must not spend what the session may send, either. */
async function usageRows(world: World): Promise<number> {
  return world.database.transaction({ kind: 'system' }, async (connection) => {
    const rows = await connection.query({ name: 'usage_rows', text: 'select 1 from message_usage' });
    return rows.length;
  });
}
