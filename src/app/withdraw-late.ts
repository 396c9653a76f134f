import type { NewMessage } from '../storage/storage.ts';
import type { App } from './app.ts';
import { raiseEvent } from './raise-event.ts';

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
  await app.storage.transaction(tenant, async (storage) => {
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
  await app.storage.transaction(tenant, async (storage) => {
    await storage.messages.refuse(messageId, 'too_late');
    await storage.outboxAppend([raiseEvent(app, 'message.refused', reference ?? messageId, data)]);
  });
  app.wake.outbox.raise();
}
