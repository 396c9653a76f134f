import { timingSafeEqual } from 'node:crypto';
import type { RefusalReason } from '../domain/route.ts';
import {
  KEYED_DIGITS_MAXIMUM,
  PIN_CANDIDATES_MAXIMUM,
  PIN_TRIES_A_CALL,
  pinDigits,
  pinTriesADay,
} from '../domain/step-up.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { CallerKey, TenantKeys } from '../privacy/vault.ts';
import type { PinCandidate } from '../storage/step-up-storage.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { FoundRoute } from '../storage/route-storage.ts';
import type { App } from './app.ts';
import { callLimits, decisionEvent, toCallRecord } from './call-record.ts';
import { pinHash } from './create-pin.ts';
import { guardSpend, returnSpend } from './guard-spend.ts';
import {
  API_ACCOUNT,
  askForPin,
  bridge,
  refusal,
  type RoutedCall,
  type RouteQuestion,
  within,
} from './routed-call.ts';

const DAY_MS = 86_400_000;

interface PinQuestion extends RouteQuestion {
  readonly calledNumber: VirtualNumber;
  readonly digits: string;
}

type Tried =
  | { readonly outcome: 'right'; readonly callId: string; readonly routeKey: CallerKey }
  | {
      readonly outcome: 'wrong';
      readonly callId: string;
      readonly reason: RefusalReason;
      readonly last: boolean;
      readonly news: boolean;
    }
  | { readonly outcome: 'settled' };

/**
 * Digits that a caller has keyed in on a call that was asked for them. Three tries a call; each counts against the day
 * of the session before anything is compared, in the same transaction, so that a process that dies forgets none.
 * Null: the call was settled meanwhile, and `replayDecision` knows its answer.
 */
export async function tryPin(
  app: App,
  keys: TenantKeys,
  question: PinQuestion,
  asked: { readonly callerKey: CallerKey | null; readonly shared: boolean },
): Promise<RoutedCall | null> {
  const { tenant } = question;
  const claimed = asked.callerKey && (await routeOf(app, question, asked.callerKey));
  const claim = claimed ? asked.callerKey : null;
  const tried = await app.storage.transaction(tenant, (storage) =>
    compare(app, storage, keys, question, { claim, shared: asked.shared }),
  );
  if (tried.outcome === 'settled') return null;
  if (tried.outcome === 'right') return connect(app, keys, question, asked.callerKey, tried);
  if (tried.last) {
    if (tried.news) await announceRefusal(app, question, asked.callerKey, tried);
    return refusal(tried.reason, tried.callId, null);
  }
  return askForPin(tried.reason, tried.callId, pinDigits(asked.shared));
}

/** The digits of a try on a call, to recognise them when the webhook comes again. */
export function guessOf(keys: Pick<TenantKeys, 'fingerprint'>, callId: string, digits: string): Uint8Array {
  return keys.fingerprint(`pin-guess:${callId}:${digits}`);
}

async function compare(
  app: App,
  storage: TenantStorage,
  keys: TenantKeys,
  question: PinQuestion,
  { claim, shared }: { readonly claim: CallerKey | null; readonly shared: boolean },
): Promise<Tried> {
  const { calledNumber, digits } = question;
  const now = app.clock.now();
  const call = await storage.stepUp.lockPinCall(
    question.providerAccount ?? API_ACCOUNT,
    question.providerCallId,
  );
  if (call?.decision !== 'collect_pin' || call.state === 'ended' || call.reason === 'ok')
    return { outcome: 'settled' };
  const reason = call.reason;
  const wrong = (last: boolean, news = false): Tried => ({
    outcome: 'wrong',
    callId: call.id,
    reason,
    last,
    news,
  });
  const guess = guessOf(keys, call.id, digits);
  // The same digits again are the same webhook again, and no further try.
  if (isSame(call.pinLast, guess)) return wrong(call.pinTries >= PIN_TRIES_A_CALL);
  if (call.pinTries >= PIN_TRIES_A_CALL) return wrong(true);
  const limit = PIN_CANDIDATES_MAXIMUM;
  const query = { virtualNumber: calledNumber, routeKey: claim, now, limit };
  const candidates = await storage.stepUp.pinCandidates(query);
  const [one] = candidates;
  const counted = shared || !one ? '' : one.sessionId;
  const tries = await storage.stepUp.countTry(calledNumber, counted, now, now - DAY_MS);
  const found = findByPin(keys, candidates, digits);
  if (found && tries <= pinTriesADay(shared)) {
    await storage.stepUp.forgetTry(calledNumber, counted);
    return { outcome: 'right', callId: call.id, routeKey: found.routeKey };
  }
  await storage.stepUp.noteWrongPin(call.id, guess);
  return wrong(call.pinTries + 1 >= PIN_TRIES_A_CALL, true);
}

/** Every candidate is compared, whichever is right, and two that are right are none. */
function findByPin(
  keys: TenantKeys,
  candidates: readonly PinCandidate[],
  digits: string,
): PinCandidate | null {
  const isPin = digits.length <= KEYED_DIGITS_MAXIMUM && /^[0-9]+$/.test(digits);
  let found: PinCandidate | null = null;
  let matches = 0;
  for (const candidate of candidates) {
    const hash = pinHash(keys, candidate.sessionId, candidate.participantId, digits);
    if (!isSame(candidate.pinHash, hash)) continue;
    found = candidate;
    matches++;
  }
  return isPin && matches === 1 ? found : null;
}

/** The PIN was right: the same checks as for any call, and then the record becomes one of a connected call. */
async function connect(
  app: App,
  keys: TenantKeys,
  question: PinQuestion,
  callerKey: CallerKey | null,
  { callId, routeKey }: { readonly callId: string; readonly routeKey: CallerKey },
): Promise<RoutedCall | null> {
  const { tenant, providerCallId } = question;
  const route = await routeOf(app, question, routeKey);
  if (!route) return refusal('unknown_caller', callId, null);
  const opened = bridge(keys, route, question.calledNumber, routeKey, question.callingNumber);
  const routed = await guardSpend(app, question, route, opened);
  if (routed.reason !== 'ok') return { ...routed, callId };
  const now = app.clock.now();
  const record = { ...toCallRecord(app, question, callerKey, route, routed), id: callId, startedAt: now };
  const limits = callLimits(question, route, now);
  const providerAccount = question.providerAccount ?? API_ACCOUNT;
  const recorded = await app.storage.transaction(tenant, async (storage) => {
    const call = await storage.stepUp.lockPinCall(providerAccount, providerCallId);
    if (call?.decision !== 'collect_pin' || !limits) return null;
    const guess = guessOf(keys, callId, question.digits);
    const as = { id: callId, providerAccount, providerCallId, startedAt: now };
    const promoted = await storage.stepUp.promote(as, route, routeKey, guess, limits);
    const event = decisionEvent(app, { ...record, reason: promoted.reason });
    if (event) await storage.outboxAppend([event]);
    return promoted;
  });
  if (recorded?.reason !== 'ok') returnSpend(app, question);
  if (!recorded) return null;
  app.wake.outbox.raise();
  app.metrics.decisions.inc({ kind: 'call', reason: recorded.reason });
  if (recorded.reason !== 'ok') return refusal('rate_limited', callId, route.sessionId);
  return { ...within(routed, recorded.maxCallSeconds), callId };
}

async function routeOf(app: App, question: PinQuestion, key: CallerKey): Promise<FoundRoute | null> {
  const now = app.clock.now();
  const { providerAccount, calledNumber: virtualNumber } = question;
  const { route } = await app.storage.run(question.tenant, (storage) =>
    storage.routes.lookup({ providerAccount, virtualNumber, callerKey: key, now }),
  );
  return route && !route.blocked && !route.inGrace && now < route.liveUntil && route.mode !== 'message'
    ? route
    : null;
}

async function announceRefusal(
  app: App,
  question: PinQuestion,
  callerKey: CallerKey | null,
  { callId, reason }: { readonly callId: string; readonly reason: RefusalReason },
): Promise<void> {
  const record = {
    ...toCallRecord(app, question, callerKey, null, refusal(reason, callId, null)),
    id: callId,
  };
  const event = decisionEvent(app, record);
  if (event) await app.storage.run(question.tenant, (storage) => storage.outboxAppend([event]));
  app.wake.outbox.raise();
  app.metrics.decisions.inc({ kind: 'call', reason });
}

function isSame(known: Uint8Array | null, given: Uint8Array): boolean {
  return known !== null && known.length === given.length && timingSafeEqual(known, given);
}
