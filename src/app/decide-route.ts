import { judgeRoute } from '../domain/route.ts';
import type { App } from './app.ts';
import { callLimits, decisionEvent, toCallRecord } from './call-record.ts';
import { guardSpend, returnSpend } from './guard-spend.ts';
import { replayDecision } from './replay-decision.ts';
import { restClosedSession } from './rest-closed-session.ts';
import { bridge, refusal, type RoutedCall, type RouteQuestion } from './routed-call.ts';

/** One look-up, the rules of `judgeRoute`, and one statement that counts, records and announces what came of it. */
export async function decideRoute(app: App, question: RouteQuestion): Promise<RoutedCall> {
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
  const opened =
    bridged && callerKey && calledNumber
      ? bridge(keys, bridged, calledNumber, callerKey)
      : refusal(
          verdict.reason === 'ok' ? 'unknown_caller' : verdict.reason,
          null,
          found.route?.sessionId ?? null,
        );
  const routed = bridged ? await guardSpend(app, question, bridged, opened) : opened;
  // What was dialled may be a person's own number when it is none of ours: then it is not kept.
  const recorded = found.numberKnown ? question : { ...question, calledNumber: null };
  const record = toCallRecord(app, recorded, callerKey, found.route, routed);
  const limits = routed.reason === 'ok' && bridged ? callLimits(question, bridged, now) : null;
  const recordedAs = await app.storage.run(tenant, (storage) =>
    storage.calls.insert(record, decisionEvent(app, record), limits),
  );
  if (routed.reason === 'ok' && recordedAs?.reason !== 'ok') returnSpend(app, question);
  if (!recordedAs) return replayDecision(app, keys, question);
  app.wake.outbox.raise();
  app.metrics.decisions.inc({ kind: question.kind, reason: recordedAs.reason });
  if (recordedAs.reason !== 'ok') return refusal(recordedAs.reason, record.id, routed.sessionId);
  if (bridged?.inGrace) await restClosedSession(app, tenant, bridged.sessionId);
  return { ...within(routed, recordedAs.maxCallSeconds), callId: record.id };
}

/** A caller who has little of the session's talk left gets a shorter call. */
function within(routed: RoutedCall, maxCallSeconds: number | null): RoutedCall {
  const { instruction } = routed;
  if (instruction.decision !== 'bridge' || maxCallSeconds === null) return routed;
  return { ...routed, instruction: { ...instruction, maxCallSeconds } };
}
