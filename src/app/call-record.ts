import { createId } from '../lib/id.ts';
import type { CallerKey } from '../privacy/vault.ts';
import type { CallLimits, NewCall } from '../storage/call-storage.ts';
import type { OutboxEvent } from '../storage/outbox-storage.ts';
import type { FoundRoute } from '../storage/route-storage.ts';
import type { App } from './app.ts';
import { raiseEvent } from './raise-event.ts';
import { API_ACCOUNT, type RoutedCall, type RouteQuestion } from './routed-call.ts';

/** What is kept of a decision: roles and virtual numbers, and no real number. */
export function toCallRecord(
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
    callingParticipantId: route?.callingParticipantId ?? null,
    callingRole: route?.callingRole ?? null,
    calledParticipantId: route?.calledParticipantId ?? null,
    calledRole: route?.calledRole ?? null,
    virtualNumber: question.calledNumber ?? '',
    callerKey,
    routeKey: null,
    callerId: connected?.callerId ?? null,
    decision: instruction.decision,
    reason,
    ringTimeoutSeconds: connected?.ringTimeoutSeconds ?? null,
    maxCallSeconds: connected?.maxCallSeconds ?? null,
    startedAt: app.clock.now(),
    attestation: question.attestation,
  };
}

/** Null: the caller was asked for a PIN, and nothing is decided yet. */
export function decisionEvent(app: App, call: NewCall): OutboxEvent | null {
  if (call.decision === 'collect_pin') return null;
  const { id: callId, sessionId, reference, callingRole, calledRole, virtualNumber } = call;
  const data = { callId, sessionId, reference, callingRole, calledRole, virtualNumber };
  const key = reference ?? callId;
  return call.reason === 'ok'
    ? raiseEvent(app, 'call.started', key, data)
    : raiseEvent(app, 'call.refused', key, { ...data, reason: call.reason });
}

/** What a call that is to be connected is counted against; null for a text, which is no call. */
export function callLimits(question: RouteQuestion, route: FoundRoute, now: number): CallLimits | null {
  if (question.kind === 'message') return null;
  const { concurrentCallsMax, hourlyAttemptsMax, totalTalkSecondsMax } = route;
  const longestSeconds = route.ringTimeoutSeconds + route.maxCallSeconds;
  // Whoever never reports an end would block the next call for an hour.
  const heldUntil = question.reportsEnds ? now + longestSeconds * 1_000 : now;
  return { concurrentCallsMax, hourlyAttemptsMax, totalTalkSecondsMax, heldUntil };
}
