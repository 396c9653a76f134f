import { backoffDelayMs } from '../lib/backoff.ts';
import { pause } from '../lib/clock.ts';
import { StorageError } from '../storage/storage-error.ts';
import type { OutboxEvent } from '../storage/outbox-storage.ts';
import type { NewMessage } from '../storage/storage.ts';
import type { App } from './app.ts';
import { decisionEvent, toCallRecord } from './call-record.ts';
import { raiseEvent } from './raise-event.ts';
import { refusal, type RouteQuestion } from './routed-call.ts';

/** Within some three seconds, which is sooner than providers ask again about a call that was answered. */
const ATTEMPTS = 6;
const BACKOFF = { firstDelayMs: 100, maxDelayMs: 1_000 };

interface CalledOnce {
  readonly tenant: string;
  readonly providerAccount: string;
  readonly providerCallId: string;
}

/**
 * A decision to connect came after the deadline, when the caller had heard the neutral sentence already. Unless the
 * provider asked twice at once and was told it in time the other time, it becomes a refusal, so that it is never
 * told to whoever asks again, and whoever was told that the call had started is told otherwise.
 */
export async function withdrawCall(
  app: App,
  tenant: string,
  providerAccount: string,
  providerCallId: string,
): Promise<void> {
  await takeBack(app, { tenant, providerAccount, providerCallId });
}

/**
 * The caller has heard the neutral sentence, because the decision could not be recorded, or nobody knows whether it was.
 * The refusal is recorded instead, so that whoever asks again hears the same; and a record that was committed all the
 * same is taken back. What a twin of the question has recorded stays.
 * @param callId under which the decision was to be recorded
 */
export async function refuseUndecided(app: App, question: RouteQuestion, callId: string): Promise<void> {
  const { tenant, callingNumber, providerCallId } = question;
  const keys = await app.vault.keysOf(tenant);
  const callerKey = callingNumber && keys.callerKey(callingNumber);
  // What was dialled is not kept, because whether it is a number of ours may not be known.
  const asked = { ...question, calledNumber: null };
  const record = {
    ...toCallRecord(app, asked, callerKey, null, refusal('too_late', null, null)),
    id: callId,
  };
  const recorded = await patiently(app, () =>
    app.storage.run(tenant, ({ calls }) => calls.insert(record, decisionEvent(app, record), null)),
  );
  if (recorded) app.wake.outbox.raise();
  else await takeBack(app, { tenant, providerAccount: record.providerAccount, providerCallId }, callId);
}

/** @param onlyOf a call with another id is left alone; default any */
async function takeBack(app: App, called: CalledOnce, onlyOf?: string): Promise<void> {
  const { tenant, providerAccount, providerCallId } = called;
  await patiently(app, () =>
    app.storage.transaction(tenant, async (storage) => {
      const call = await storage.calls.lock(providerAccount, providerCallId);
      if (call?.state !== 'decided' || call.id !== (onlyOf ?? call.id)) return;
      if ((await storage.calls.untell(call.id)) > 0) return;
      const { id: callId, sessionId, reference, callingRole, calledRole, virtualNumber } = call;
      const data = {
        callId,
        sessionId,
        reference,
        callingRole,
        calledRole,
        virtualNumber,
        reason: 'too_late',
      };
      await storage.calls.refuse(providerAccount, providerCallId, 'too_late', app.clock.now());
      await storage.outboxAppend([raiseEvent(app, 'call.refused', reference ?? callId, data)]);
    }),
  );
  app.wake.outbox.raise();
}

/** The same of a text that was dropped because its decision took too long. */
export async function withdrawMessage(app: App, tenant: string, message: NewMessage): Promise<void> {
  const { id: messageId, sessionId, reference, sendingRole, receivingRole, virtualNumber } = message;
  const data = {
    messageId,
    sessionId,
    reference,
    sendingRole,
    receivingRole,
    virtualNumber,
    reason: 'too_late',
  };
  await patiently(app, () =>
    app.storage.transaction(tenant, async (storage) => {
      await storage.messages.refuse(messageId, 'too_late');
      await storage.outboxAppend([raiseEvent(app, 'message.refused', reference ?? messageId, data)]);
    }),
  );
  app.wake.outbox.raise();
}

/** As `refuseUndecided`, of a text. @param refused the record of the refusal, under the id of what was to be recorded */
export async function refuseMessage(
  app: App,
  tenant: string,
  refused: NewMessage,
  event: OutboxEvent,
): Promise<void> {
  const isNew = await patiently(app, () =>
    app.storage.run(tenant, ({ messages }) => messages.insert(refused, event)),
  );
  if (isNew) return app.wake.outbox.raise();
  const { providerAccount, providerMessageId } = refused;
  const recorded = await patiently(app, () =>
    app.storage.run(tenant, ({ messages }) =>
      messages.decided(providerAccount, providerMessageId, app.clock.now()),
    ),
  );
  if (recorded?.id !== refused.id || recorded.reason !== 'ok') return;
  // Which order it was of is in its first announcement.
  await withdrawMessage(app, tenant, { ...refused, ...recorded, reference: null });
}

/** Nobody waits for it, so it outlives a connection that breaks. What may have happened is not done twice. */
async function patiently<T>(app: App, work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const didNothing =
        error instanceof StorageError && ['unavailable', 'timeout', 'full'].includes(error.code);
      if (!didNothing || attempt + 1 >= ATTEMPTS) throw error;
      await pause(app.clock, backoffDelayMs(attempt, BACKOFF, app.random));
    }
  }
}
