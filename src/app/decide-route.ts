import { judgeRoute, type RefusalReason } from '../domain/route.ts';
import type { CallerKey, TenantKeys } from '../privacy/vault.ts';
import type { FoundRoute, RouteLookup } from '../storage/route-storage.ts';
import type { App } from './app.ts';
import { callLimits, decisionEvent, toCallRecord } from './call-record.ts';
import { guardSpend, returnSpend } from './guard-spend.ts';
import { insertCall } from './insert-call.ts';
import { replayDecision } from './replay-decision.ts';
import { restClosedSession } from './rest-closed-session.ts';
import {
  API_ACCOUNT,
  askForPin,
  bridge,
  refusal,
  type RoutedCall,
  type RouteQuestion,
  within,
} from './routed-call.ts';
import { stepUp } from './step-up.ts';

const NOT_OURS: RouteLookup = { numberKnown: false, route: null };

/**
 * One look-up, the rules of `judgeRoute`, and one statement that counts, records and announces what came of it.
 * @param callId under which it is recorded
 */
export async function decideRoute(app: App, question: RouteQuestion, callId: string): Promise<RoutedCall> {
  const { tenant, calledNumber, providerAccount } = question;
  const keys = await app.vault.keysOf(tenant);
  const callerKey = question.callingNumber && keys.callerKey(question.callingNumber);
  const now = app.clock.now();
  const found =
    calledNumber === null
      ? NOT_OURS
      : await app.storage.run(tenant, (storage) =>
          storage.routes.lookup({ providerAccount, virtualNumber: calledNumber, callerKey, now }),
        );
  const chosen = await choose(app, keys, question, { callerKey, found, now });
  const { route, routed } = chosen;
  // What was dialled may be a person's own number when it is none of ours: then it is not kept.
  const recorded = found.numberKnown ? question : { ...question, calledNumber: null };
  const { routeKey } = chosen;
  const record = { ...toCallRecord(app, recorded, callerKey, route, routed), id: callId, routeKey };
  const bridged = routed.reason === 'ok' ? route : null;
  const limits = bridged && callLimits(question, bridged, now);
  const recordedAs = await insertCall(app, tenant, record, decisionEvent(app, record), limits);
  if (routed.reason === 'ok' && recordedAs?.reason !== 'ok') returnSpend(app, question);
  if (!recordedAs) return replayDecision(app, keys, question, record.id);
  if (routed.instruction.decision === 'collect_pin') {
    // Whoever asks with the digits at hand has asked the caller before asking us.
    return question.digits === null ? { ...routed, callId: record.id } : replayDecision(app, keys, question);
  }
  if (SCANS.has(recordedAs.reason)) app.refusalLimits?.note(askerOf(question, callerKey));
  app.wake.outbox.raise();
  app.metrics.decisions.inc({ kind: question.kind, reason: recordedAs.reason });
  if (recordedAs.reason !== 'ok') return refusal(recordedAs.reason, record.id, routed.sessionId);
  if (bridged?.inGrace) await restClosedSession(app, tenant, bridged.sessionId);
  return { ...within(routed, recordedAs.maxCallSeconds), callId: record.id };
}

/** What happens to who dials numbers at random, and seldom to anybody else. */
const SCANS: ReadonlySet<string> = new Set(['unknown_caller', 'unknown_number', 'caller_not_verified']);

function askerOf(question: RouteQuestion, callerKey: CallerKey | null) {
  const { tenant, providerAccount, calledNumber: virtualNumber } = question;
  return { tenant, providerAccount: providerAccount ?? API_ACCOUNT, callerKey, virtualNumber };
}

interface Chosen {
  /** what is recorded of the session, connected or not */
  readonly route: FoundRoute | null;
  /** of the route, where it is not the caller's own */
  readonly routeKey: CallerKey | null;
  readonly routed: RoutedCall;
}

/** By the caller's own route, or by one that was announced, or not, or not yet. */
async function choose(
  app: App,
  keys: TenantKeys,
  question: RouteQuestion,
  known: { readonly callerKey: CallerKey | null; readonly found: RouteLookup; readonly now: number },
): Promise<Chosen> {
  const { kind, calledNumber, attestation } = question;
  const { callerKey, found, now } = known;
  const verdict = judgeRoute({ now, kind, verification: attestation, ...found });
  const asker = askerOf(question, callerKey);
  // After the look-up, so that it takes as long as for anybody else.
  if (kind === 'call' && app.refusalLimits?.refusesCaller(asker, attestation)) {
    return { route: found.route, routeKey: null, routed: refusal('rate_limited', null, null) };
  }
  if (verdict.reason === 'ok' && found.route && callerKey && calledNumber) {
    const routed = await connect(app, keys, question, found.route, callerKey);
    return { route: found.route, routeKey: null, routed };
  }
  const reason: RefusalReason = verdict.reason === 'ok' ? 'unknown_caller' : verdict.reason;
  const stepped = app.refusalLimits?.refusesStrangers(asker)
    ? null
    : await stepUp(app, question, callerKey, verdict, found.route);
  if (stepped?.kind === 'route') {
    const { route, routeKey } = stepped;
    return { route, routeKey, routed: await connect(app, keys, question, route, routeKey) };
  }
  if (stepped?.kind === 'collect_pin') {
    return { route: found.route, routeKey: null, routed: askForPin(reason, null, stepped.digits) };
  }
  return {
    route: found.route,
    routeKey: null,
    routed: refusal(reason, null, found.route?.sessionId ?? null),
  };
}

/** Opened before it is recorded: a destination that cannot be opened must not be recorded as connected. */
async function connect(
  app: App,
  keys: TenantKeys,
  question: RouteQuestion,
  route: FoundRoute,
  routeKey: CallerKey,
): Promise<RoutedCall> {
  const { calledNumber, callingNumber } = question;
  if (!calledNumber) return refusal('unknown_number', null, null);
  return guardSpend(app, question, route, bridge(keys, route, calledNumber, routeKey, callingNumber));
}
