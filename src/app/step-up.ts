import { judgeRoute, type RouteVerdict } from '../domain/route.ts';
import { asksForPin, canStepUp, pinDigits } from '../domain/step-up.ts';
import type { CallerKey } from '../privacy/vault.ts';
import type { FoundRoute } from '../storage/route-storage.ts';
import type { App } from './app.ts';
import { API_ACCOUNT, type RouteQuestion } from './routed-call.ts';

/** `route`: an announced call; it is connected by this route. `collect_pin`: the caller is asked for that many digits. */
export type SteppedUp =
  | { readonly kind: 'route'; readonly route: FoundRoute; readonly routeKey: CallerKey }
  | { readonly kind: 'collect_pin'; readonly digits: number };

/**
 * What can still connect a caller without a route, or one whose number nobody vouches for. It depends on the pool of
 * the number that was dialled, and not on whether anybody can be reached by it: a stranger who dials all numbers hears
 * the same from each. Null: nothing can.
 */
export async function stepUp(
  app: App,
  question: RouteQuestion,
  callerKey: CallerKey | null,
  verdict: RouteVerdict,
  claimed: FoundRoute | null,
): Promise<SteppedUp | null> {
  const { tenant, providerAccount, calledNumber, callingNumber } = question;
  if (!calledNumber || !canStepUp(verdict.reason, question.kind)) return null;
  const now = app.clock.now();
  return app.storage.run(tenant, async (storage) => {
    const offer = await storage.stepUp.offer(providerAccount, calledNumber);
    const level = claimed?.stepUp ?? offer.stepUp;
    if (level === 'none') return null;
    // A webhook that comes again must not use up what was announced since.
    const account = providerAccount ?? API_ACCOUNT;
    if (await storage.calls.decided(account, question.providerCallId, now)) return null;
    // One of our own numbers is nobody's phone, whatever it knows.
    if (callingNumber && (await storage.virtualNumbers.known([callingNumber.reveal()])).size > 0) return null;
    // Who claims to be a participant can only be that one.
    const claim = claimed && callerKey;
    const routeKey = await storage.stepUp.useIntent({
      virtualNumber: calledNumber,
      callerKey,
      routeKey: claim,
      now,
    });
    if (routeKey) {
      const found = await storage.routes.lookup({
        providerAccount,
        virtualNumber: calledNumber,
        callerKey: routeKey,
        now,
      });
      const judged = judgeRoute({ now, kind: 'call', verification: 'A', ...found });
      if (judged.reason === 'ok' && found.route) return { kind: 'route', route: found.route, routeKey };
    }
    if (!asksForPin(level, question.collectsPin ?? false)) return null;
    return { kind: 'collect_pin', digits: pinDigits(offer.shared) };
  });
}
