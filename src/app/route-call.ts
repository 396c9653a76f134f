import { type Instant, pause } from '../lib/clock.ts';
import { createId } from '../lib/id.ts';
import type { App } from './app.ts';
import { withDeadline } from './deadline.ts';
import { decideRoute } from './decide-route.ts';
import { LIMITS } from './limits.ts';
import { API_ACCOUNT, refusal, type RoutedCall, type RouteQuestion } from './routed-call.ts';
import { refuseUndecided, withdrawCall } from './withdraw-late.ts';

/**
 * Says what to do with a call. It never throws and always answers soon after LIMITS.decisionDeadlineMs: whatever goes
 * wrong, the answer is the neutral sentence. One call id gets one decision, however often and however
 * concurrently it is asked; a repeated question gets the same answer for a minute while the call lasts.
 */
export async function routeCall(app: App, question: RouteQuestion): Promise<RoutedCall> {
  const startedAt = app.clock.now();
  const routed = await decideInTime(app, question, startedAt);
  return routed.reason === 'ok' ? routed : evenOut(app, startedAt, routed);
}

/** How long a refusal took tells a patient listener which it was: then all take one length, or two, or three. */
async function evenOut(app: App, startedAt: Instant, routed: RoutedCall): Promise<RoutedCall> {
  const grid = app.refusalGridMs ?? 0;
  if (grid === 0) return routed;
  await pause(app.clock, grid - ((app.clock.now() - startedAt) % grid));
  return routed;
}

async function decideInTime(app: App, question: RouteQuestion, startedAt: Instant): Promise<RoutedCall> {
  // Known before anything can fail, so that a record of this question can be told from that of its twin.
  const callId = createId('cal', app.clock, app.random);
  const deciding = decideRoute(app, question, callId);
  let isNeutral = false;
  try {
    const left = Math.max(1, LIMITS.decisionDeadlineMs - (question.waitedMs ?? 0));
    return await withDeadline(app.clock, left, deciding, () => {
      isNeutral = true;
      return refusal('too_late', null, null);
    });
  } catch (error) {
    isNeutral = true;
    app.log.error(
      { error, account: question.providerAccount },
      'A call could not be decided, so it was refused.',
    );
    return refusal('too_late', null, null);
  } finally {
    app.metrics.decisionSeconds.observe({ kind: question.kind }, (app.clock.now() - startedAt) / 1_000);
    if (isNeutral) takeBack(app, question, callId, deciding);
  }
}

/** The caller has heard the neutral sentence already; what was decided since, or recorded all the same, must never be told. */
function takeBack(app: App, question: RouteQuestion, callId: string, deciding: Promise<RoutedCall>): void {
  const account = question.providerAccount ?? API_ACCOUNT;
  app.metrics.decisions.inc({ kind: question.kind, reason: 'too_late' });
  deciding
    .then(
      (routed) =>
        routed.reason === 'ok'
          ? withdrawCall(app, question.tenant, account, question.providerCallId)
          : undefined,
      () => refuseUndecided(app, question, callId),
    )
    .catch((error) =>
      app.log.warn({ error, account }, 'A decision that was not told in time could not be taken back.'),
    );
}
