import { isNotInService } from '../domain/not-in-service.ts';
import { applyLegStatus, type LegStatus, Termination } from '../domain/call.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { LockedCall } from '../storage/call-storage.ts';
import type { OutboxEvent } from '../storage/outbox-storage.ts';
import type { App } from './app.ts';
import { raiseEvent } from './raise-event.ts';
import { restIfClosed } from './rest-closed-session.ts';

export interface RecordLegStatusParams {
  readonly tenant: string;
  readonly providerAccount: string;
  readonly providerCallId: string;
  readonly legStatus: LegStatus;
}

type Outcome = 'recorded' | 'known' | 'no_such_call';

/**
 * Adds what a status callback says to the call record. The same callback twice, or one that comes late, changes
 * nothing that was known better; each fact is announced once.
 *
 * It is read and written by one statement each, which holds nothing in between: a transaction that locks the row first
 * is seven ways to the database, of which the caller's next call, who is counted in the same row, waits for four. What
 * has changed in between, and what concerns more than the call, is done under a lock.
 */
export async function recordLegStatus(app: App, params: RecordLegStatusParams): Promise<Outcome> {
  const { tenant, providerAccount, providerCallId, legStatus } = params;
  const outcome =
    (await recordAtOnce(app, params)) ??
    (await app.storage.transaction(tenant, async (storage) => {
      const call = await storage.calls.lock(providerAccount, providerCallId);
      return call ? record(app, storage, call, legStatus) : 'no_such_call';
    }));
  if (outcome === 'recorded') app.wake.outbox.raise();
  return outcome;
}

/** Null: nothing was done, and it needs a lock. */
async function recordAtOnce(app: App, params: RecordLegStatusParams): Promise<Outcome | null> {
  const { tenant, providerAccount, providerCallId, legStatus } = params;
  const call = await app.storage.run(
    tenant,
    ({ calls }) => calls.reported(providerAccount, providerCallId),
    'patient',
  );
  if (!call) return 'no_such_call';
  const progress = applyLegStatus(call, legStatus);
  if (!progress) return 'known';
  if (call.sessionClosed || saysNotInService(legStatus)) return null;
  const [announced = null] = progressEvents(app, { ...call, ...progress }, legStatus);
  const report = { call, progress, legStatus, receivedAt: app.clock.now(), announced };
  return (await app.storage.run(tenant, ({ calls }) => calls.report(report), 'patient')) ? 'recorded' : null;
}

/**
 * Closes a call whose end was never reported. Its duration is an estimate, the longest that it
 * can have lasted, and its termination says so.
 */
export async function closeOverdueCall(app: App, tenant: string, callId: string): Promise<void> {
  await app.storage.transaction(tenant, async (storage) => {
    const call = await storage.calls.lockById(callId);
    if (!call) return;
    const { answeredAt, maxCallSeconds } = call;
    const now = app.clock.now();
    const cutAt = answeredAt === null || maxCallSeconds === null ? now : answeredAt + maxCallSeconds * 1_000;
    await record(app, storage, call, {
      status: 'ended',
      at: Math.min(now, cutAt),
      termination: Termination.Unreported,
      durationSeconds: null,
      nativeCause: null,
    });
  });
  app.wake.outbox.raise();
}

async function record(
  app: App,
  storage: TenantStorage,
  call: LockedCall,
  legStatus: LegStatus,
): Promise<'recorded' | 'known'> {
  const progress = applyLegStatus(call, legStatus);
  if (!progress) return 'known';
  await storage.calls.setProgress(call.id, progress);
  await storage.calls.addEvent(call.id, legStatus, app.clock.now());
  await storage.outboxAppend(progressEvents(app, { ...call, ...progress }, legStatus));
  // Whoever has that number next is a stranger: nobody is connected to it by this session any more.
  if (saysNotInService(legStatus)) await quarantine(storage, call);
  if (call.sessionId) await restIfClosed(storage, call.sessionId);
  return 'recorded';
}

function saysNotInService(legStatus: LegStatus): boolean {
  return legStatus.status === 'ended' && isNotInService(legStatus.nativeCause);
}

async function quarantine(storage: TenantStorage, call: LockedCall): Promise<void> {
  // Who has spoken was there.
  if (!call.sessionId || !call.calledParticipantId || call.answeredAt !== null) return;
  await storage.blocks.stopCallee(NOT_IN_SERVICE, call.sessionId, call.calledParticipantId);
}

/** What `blocked_by` says of a route whose callee's number serves nobody. */
const NOT_IN_SERVICE = 'not_in_service';

function progressEvents(app: App, call: LockedCall, legStatus: LegStatus): OutboxEvent[] {
  const { id: callId, sessionId, reference, callingRole, calledRole, virtualNumber } = call;
  const data = { callId, sessionId, reference, callingRole, calledRole, virtualNumber };
  const key = reference ?? callId;
  if (legStatus.status === 'answered') {
    return [
      raiseEvent(app, 'call.answered', key, { ...data, answeredAt: new Date(legStatus.at).toISOString() }),
    ];
  }
  if (legStatus.status === 'ended') {
    const { durationSeconds, termination } = call;
    return [
      raiseEvent(app, 'call.ended', key, {
        ...data,
        durationSeconds: durationSeconds ?? 0,
        termination: termination ?? Termination.Unreported,
      }),
    ];
  }
  return [];
}
