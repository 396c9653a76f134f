import { timingSafeEqual } from 'node:crypto';
import { pinDigits } from '../domain/step-up.ts';
import type { CallerKey, TenantKeys } from '../privacy/vault.ts';
import type { DecidedCall } from '../storage/call-storage.ts';
import type { App } from './app.ts';
import { LIMITS } from './limits.ts';
import {
  API_ACCOUNT,
  askForPin,
  bridge,
  type DecidedRoute,
  refusal,
  type RoutedCall,
  type RouteQuestion,
} from './routed-call.ts';
import { guessOf, tryPin } from './try-pin.ts';

/**
 * The answer to a question that was decided before. A captured webhook must not be worth anything later, so a
 * destination is told again only to the same caller on the same number, within a minute, while the call lasts
 * and its session still routes.
 *
 * @param ownRecord id under which this very question may have recorded the call, when it could not know whether it had:
 *   then it is the one that was counted as told, and not one more
 */
export async function replayDecision(
  app: App,
  keys: TenantKeys,
  question: RouteQuestion,
  ownRecord: string | null = null,
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
  if (decided.decision === 'collect_pin') return askAgain(app, keys, question, { decided, callerKey, now });
  if (decided.reason !== 'ok') return refusal(decided.reason, decided.id, decided.sessionId);
  if (!isSameStep(keys, question, decided)) return refusal('session_ended', decided.id, decided.sessionId);
  const fresh = now - decided.startedAt <= LIMITS.answerReplaySeconds * 1_000 && decided.state !== 'ended';
  const route = fresh ? toDecidedRoute(decided) : null;
  const routeKey = decided.routeKey ?? callerKey;
  if (!route || !question.calledNumber || !routeKey)
    return refusal('session_ended', decided.id, decided.sessionId);
  if (decided.id !== ownRecord && !(await isStillTold(app, question, decided)))
    return refusal('too_late', decided.id, decided.sessionId);
  const { calledNumber, callingNumber } = question;
  return { ...bridge(keys, route, calledNumber, routeKey, callingNumber), callId: decided.id };
}

/** What a PIN connected is told again to who shows the same PIN, and to nobody else. */
function isSameStep(
  keys: TenantKeys,
  { digits }: RouteQuestion,
  { id, pinLast }: Pick<DecidedCall, 'id' | 'pinLast'>,
): boolean {
  if (pinLast === null) return true;
  return digits !== null && timingSafeEqual(pinLast, guessOf(keys, id, digits));
}

/** The call waits for a PIN: the same prompt again, or a try. */
async function askAgain(
  app: App,
  keys: TenantKeys,
  question: RouteQuestion,
  asked: { readonly decided: DecidedCall; readonly callerKey: CallerKey | null; readonly now: number },
): Promise<RoutedCall> {
  const { decided, callerKey, now } = asked;
  const { calledNumber, digits } = question;
  const reason = decided.reason === 'ok' ? 'unknown_caller' : decided.reason;
  // Somebody who keys slowly, three times over, needs longer than a webhook that is lost.
  const isFresh = now - decided.startedAt <= LIMITS.pinPatienceSeconds * 1_000;
  if (!calledNumber || !isFresh) return refusal(reason, decided.id, null);
  const { shared } = await app.storage.run(question.tenant, (storage) =>
    storage.stepUp.offer(question.providerAccount, calledNumber),
  );
  if (digits === null) return askForPin(reason, decided.id, pinDigits(shared));
  const tried = await tryPin(app, keys, { ...question, calledNumber, digits }, { callerKey, shared });
  // Settled by a twin of this very question a moment ago: then what was decided is told.
  return tried ?? replayDecision(app, keys, question);
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
