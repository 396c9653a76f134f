import { announcementFor, type DecisionReason, judgeRoute, type RefusalReason } from '../domain/route.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import { createId } from '../lib/id.ts';
import type { PhoneNumber } from '../privacy/phone-number.ts';
import type { CallerKey, TenantKeys } from '../privacy/vault.ts';
import type { Attestation, CallInstruction } from '../providers/provider.ts';
import type { DecidedCall, FoundRoute, NewCall, OutboxEvent } from '../storage/storage.ts';
import type { App } from './app.ts';
import { withDeadline } from './deadline.ts';
import { LIMITS } from './limits.ts';
import { raiseEvent } from './raise-event.ts';
import { restClosedSession } from './rest-closed-session.ts';
import { routePlace } from './route-place.ts';
import { withdrawCall } from './withdraw-late.ts';

/** Calls that a switch asks about through the API have no provider account; their records say this instead. */
export const API_ACCOUNT = 'api';

export interface RouteQuestion {
  readonly tenant: string;
  /** the account that asks; null through the API, where any account of the tenant may hold the number */
  readonly providerAccount: string | null;
  readonly providerCallId: string;
  readonly kind: 'call' | 'message';
  readonly callingNumber: PhoneNumber | null;
  readonly calledNumber: VirtualNumber | null;
  readonly attestation: Attestation | null;
  readonly digits: string | null;
}

export interface RoutedCall {
  /** our id of the call; null when it could not be recorded */
  readonly callId: string | null;
  readonly sessionId: string | null;
  readonly reason: DecisionReason;
  readonly instruction: CallInstruction;
}

/**
 * Says what to do with a call. It never throws and always answers by LIMITS.answerDeadlineMs: whatever goes
 * wrong, the answer is the neutral sentence. One call id gets one decision, however often and however
 * concurrently it is asked; a repeated question gets the same answer for a minute while the call lasts.
 */
export async function routeCall(app: App, question: RouteQuestion): Promise<RoutedCall> {
  const startedAt = app.clock.now();
  const deciding = decide(app, question);
  let late = false;
  try {
    return await withDeadline(app.clock, LIMITS.answerDeadlineMs, deciding, () => {
      late = true;
      return refusal('too_late', null, null);
    });
  } catch (error) {
    app.log.error(
      { error, account: question.providerAccount },
      'A call could not be decided, so it was refused.',
    );
    return refusal('too_late', null, null);
  } finally {
    app.metrics.decisionSeconds.observe({ kind: question.kind }, (app.clock.now() - startedAt) / 1_000);
    if (late) withdrawLate(app, question, deciding);
  }
}

async function decide(app: App, question: RouteQuestion): Promise<RoutedCall> {
  const { tenant, calledNumber } = question;
  const keys = await app.vault.keysOf(tenant);
  const callerKey = question.callingNumber && keys.callerKey(question.callingNumber);
  const now = app.clock.now();
  const found =
    calledNumber === null
      ? { numberKnown: false, route: null }
      : await app.storage.run(tenant, (storage) =>
          storage.routes.lookup({
            providerAccount: question.providerAccount,
            virtualNumber: calledNumber,
            callerKey,
            now,
          }),
        );
  const verdict = judgeRoute({ now, kind: question.kind, verification: question.attestation, ...found });
  const bridged = verdict.reason === 'ok' && callerKey && calledNumber ? found.route : null;
  // Opened before it is recorded: a destination that cannot be opened must not be recorded as connected.
  const routed =
    bridged && callerKey && calledNumber
      ? bridge(keys, bridged, calledNumber, callerKey)
      : refusal(
          verdict.reason === 'ok' ? 'unknown_caller' : verdict.reason,
          null,
          found.route?.sessionId ?? null,
        );
  // What was dialled may be a person's own number when it is none of ours: then it is not kept.
  const recorded = found.numberKnown ? question : { ...question, calledNumber: null };
  const record = toRecord(app, recorded, callerKey, found.route, routed);
  const isNew = await app.storage.run(tenant, (storage) =>
    storage.calls.insert(record, decisionEvent(app, record)),
  );
  if (!isNew) return replay(app, keys, question);
  app.wake.outbox.raise();
  app.metrics.decisions.inc({ kind: question.kind, reason: routed.reason });
  if (bridged?.inGrace) await restClosedSession(app, tenant, bridged.sessionId);
  return { ...routed, callId: record.id };
}

function bridge(
  keys: TenantKeys,
  route: FoundRoute | DecidedRoute,
  dialled: VirtualNumber,
  callerKey: CallerKey,
): RoutedCall {
  if (!route.sealedDestination) return refusal('session_ended', null, route.sessionId);
  return {
    callId: null,
    sessionId: route.sessionId,
    reason: 'ok',
    instruction: {
      decision: 'bridge',
      destination: keys.openNumber(
        route.sealedDestination,
        routePlace(dialled, callerKey),
        route.participantKey,
      ),
      callerId: route.callerId,
      ringTimeoutSeconds: route.ringTimeoutSeconds,
      maxCallSeconds: route.maxCallSeconds,
      ...(route.recordingConsent !== null && { recording: { consent: route.recordingConsent } }),
    },
  };
}

type DecidedRoute = Pick<
  FoundRoute,
  | 'sessionId'
  | 'sealedDestination'
  | 'participantKey'
  | 'callerId'
  | 'ringTimeoutSeconds'
  | 'maxCallSeconds'
  | 'recordingConsent'
>;

function refusal(reason: RefusalReason, callId: string | null, sessionId: string | null): RoutedCall {
  const instruction = { decision: 'announce', announcement: announcementFor(reason) } as const;
  return { callId, sessionId, reason, instruction };
}

/**
 * The answer to a question that was decided before. A captured webhook must not be worth anything later, so a
 * destination is told again only to the same caller on the same number, within a minute, while the call lasts
 * and its session still routes.
 */
async function replay(app: App, keys: TenantKeys, question: RouteQuestion): Promise<RoutedCall> {
  const account = question.providerAccount ?? API_ACCOUNT;
  const now = app.clock.now();
  const decided = await app.storage.run(question.tenant, (storage) =>
    storage.calls.decided(account, question.providerCallId, now),
  );
  // The first time may have been under the index key that is being exchanged for another.
  const asked = question.callingNumber
    ? keys.callerKeys(question.callingNumber).map((key) => key.callerKey)
    : [null];
  const callerKey = asked.find((key) => decided && sameKey(decided.callerKey, key));
  if (
    !decided ||
    // '' is a number that was none of ours, and was refused for that.
    !['', question.calledNumber].includes(decided.virtualNumber) ||
    callerKey === undefined
  ) {
    return refusal('unknown_caller', null, null);
  }
  if (decided.reason !== 'ok') return refusal(decided.reason, decided.id, decided.sessionId);
  const fresh = now - decided.startedAt <= LIMITS.answerReplaySeconds * 1_000 && decided.state !== 'ended';
  const route = fresh ? toDecidedRoute(decided) : null;
  if (!route || !question.calledNumber || !callerKey)
    return refusal('session_ended', decided.id, decided.sessionId);
  return { ...bridge(keys, route, question.calledNumber, callerKey), callId: decided.id };
}

function toDecidedRoute(decided: DecidedCall): DecidedRoute | null {
  const { sessionId, sealedDestination, callerId, ringTimeoutSeconds, maxCallSeconds, recordingConsent } =
    decided;
  if (!sessionId || !sealedDestination || !callerId || !ringTimeoutSeconds || !maxCallSeconds) return null;
  return {
    sessionId,
    sealedDestination,
    participantKey: decided.participantKey,
    callerId,
    ringTimeoutSeconds,
    maxCallSeconds,
    recordingConsent,
  };
}

function sameKey(a: CallerKey | null, b: CallerKey | null): boolean {
  return a === null || b === null ? a === b : Buffer.compare(a, b) === 0;
}

function toRecord(
  app: App,
  question: RouteQuestion,
  callerKey: CallerKey | null,
  route: FoundRoute | null,
  routed: RoutedCall,
): NewCall {
  const { instruction, reason } = routed;
  const connected = instruction.decision === 'bridge' ? instruction : null;
  return {
    id: createId('cal', app.clock, app.random),
    providerAccount: question.providerAccount ?? API_ACCOUNT,
    providerCallId: question.providerCallId,
    sessionId: route?.sessionId ?? null,
    reference: route?.reference ?? null,
    callingRole: route?.callingRole ?? null,
    calledRole: route?.calledRole ?? null,
    virtualNumber: question.calledNumber ?? '',
    callerKey,
    callerId: connected?.callerId ?? null,
    decision: instruction.decision,
    reason,
    ringTimeoutSeconds: connected?.ringTimeoutSeconds ?? null,
    maxCallSeconds: connected?.maxCallSeconds ?? null,
    startedAt: app.clock.now(),
    attestation: question.attestation,
  };
}

function decisionEvent(app: App, call: NewCall): OutboxEvent {
  const { id: callId, sessionId, reference, callingRole, calledRole, virtualNumber } = call;
  const data = { callId, sessionId, reference, callingRole, calledRole, virtualNumber };
  const key = reference ?? callId;
  return call.reason === 'ok'
    ? raiseEvent(app, 'call.started', key, data)
    : raiseEvent(app, 'call.refused', key, { ...data, reason: call.reason });
}

/** The caller has heard the neutral sentence already; what was decided since must never be told. */
function withdrawLate(app: App, question: RouteQuestion, deciding: Promise<RoutedCall>): void {
  const account = question.providerAccount ?? API_ACCOUNT;
  app.metrics.decisions.inc({ kind: question.kind, reason: 'too_late' });
  deciding
    .then((routed) =>
      routed.reason === 'ok'
        ? withdrawCall(app, question.tenant, account, question.providerCallId)
        : undefined,
    )
    .catch((error) =>
      app.log.warn({ error, account }, 'A decision that came too late could not be withdrawn.'),
    );
}
