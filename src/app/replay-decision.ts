import type { CallerKey, TenantKeys } from '../privacy/vault.ts';
import type { DecidedCall } from '../storage/storage.ts';
import type { App } from './app.ts';
import { LIMITS } from './limits.ts';
import {
  API_ACCOUNT,
  bridge,
  type DecidedRoute,
  refusal,
  type RoutedCall,
  type RouteQuestion,
} from './routed-call.ts';

/**
 * The answer to a question that was decided before. A captured webhook must not be worth anything later, so a
 * destination is told again only to the same caller on the same number, within a minute, while the call lasts
 * and its session still routes.
 */
export async function replayDecision(
  app: App,
  keys: TenantKeys,
  question: RouteQuestion,
): Promise<RoutedCall> {
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
  if (!(await isStillTold(app, question, decided))) return refusal('too_late', decided.id, decided.sessionId);
  return { ...bridge(keys, route, question.calledNumber, callerKey), callId: decided.id };
}

/** Until somebody reports progress, another question about the same call may be late and take the decision back. */
async function isStillTold(
  app: App,
  { tenant }: RouteQuestion,
  { id, state }: DecidedCall,
): Promise<boolean> {
  return state !== 'decided' || app.storage.run(tenant, (storage) => storage.calls.tellAgain(id));
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
