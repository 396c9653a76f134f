import { backoffDelayMs } from '../lib/backoff.ts';
import { pause } from '../lib/clock.ts';
import { StorageError } from '../storage/storage-error.ts';
import type { NewMessage, TenantStorage } from '../storage/storage.ts';
import type { App } from './app.ts';
import { raiseEvent } from './raise-event.ts';

/** Within some three seconds, which is sooner than providers ask again about a call that was answered. */
const ATTEMPTS = 6;
const BACKOFF = { firstDelayMs: 100, maxDelayMs: 1_000 };

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
  await patiently(app, tenant, async (storage) => {
    const call = await storage.calls.lock(providerAccount, providerCallId);
    if (call?.state !== 'decided' || (await storage.calls.untell(call.id)) > 0) return;
    const { id: callId, sessionId, reference, callingRole, calledRole, virtualNumber } = call;
    const data = { callId, sessionId, reference, callingRole, calledRole, virtualNumber, reason: 'too_late' };
    await storage.calls.refuse(providerAccount, providerCallId, 'too_late', app.clock.now());
    await storage.outboxAppend([raiseEvent(app, 'call.refused', reference ?? callId, data)]);
  });
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
  await patiently(app, tenant, async (storage) => {
    await storage.messages.refuse(messageId, 'too_late');
    await storage.outboxAppend([raiseEvent(app, 'message.refused', reference ?? messageId, data)]);
  });
  app.wake.outbox.raise();
}

/** Nobody waits for it, so it outlives a connection that breaks. What may have happened is not done twice. */
async function patiently(
  app: App,
  tenant: string,
  work: (storage: TenantStorage) => Promise<void>,
): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await app.storage.transaction(tenant, work);
    } catch (error) {
      const didNothing =
        error instanceof StorageError && ['unavailable', 'timeout', 'full'].includes(error.code);
      if (!didNothing || attempt + 1 >= ATTEMPTS) throw error;
      await pause(app.clock, backoffDelayMs(attempt, BACKOFF, app.random));
    }
  }
}
