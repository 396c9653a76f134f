import { allowsNumber, allowsPair } from '../domain/destination.ts';
import type { PhoneNumber } from '../privacy/phone-number.ts';
import { countryOfNumber } from '../privacy/number-class.ts';
import type { FoundRoute } from '../storage/route-storage.ts';
import type { App } from './app.ts';
import { API_ACCOUNT, refusal, type RoutedCall, type RouteQuestion } from './routed-call.ts';

/**
 * What costs money is asked about last: whether the pool still connects to such a number, and whether the tenant and
 * the account may connect another call in this hour. @throws StorageError
 */
export async function guardSpend(
  app: App,
  question: Spending,
  route: FoundRoute,
  routed: RoutedCall,
): Promise<RoutedCall> {
  if (routed.instruction.decision !== 'bridge') return routed;
  const { tenant, kind } = question;
  if (!(await isAllowedDestination(app, tenant, route, routed.instruction.destination))) {
    return refusal('destination_not_allowed', null, route.sessionId);
  }
  const isAdmitted =
    kind === 'message'
      ? await admitMessage(app, tenant, route)
      : await app.callCaps?.admit(tenant, question.providerAccount ?? API_ACCOUNT);
  return isAdmitted === false ? refusal('rate_limited', null, route.sessionId) : routed;
}

type Spending = Pick<RouteQuestion, 'tenant' | 'providerAccount' | 'kind'>;

/** A call that was let through by `guardSpend` and then was not connected after all: it costs nothing. */
export function returnSpend(app: App, question: Spending): void {
  if (question.kind === 'message') return;
  app.callCaps?.giveBack(question.tenant, question.providerAccount ?? API_ACCOUNT);
}

/** By the rule of the pool as it was within the last second. A pool that is gone connects nobody. */
export async function isAllowedDestination(
  app: App,
  tenant: string,
  route: Pick<FoundRoute, 'pool' | 'callingClass' | 'calledClass' | 'callerId'>,
  destination: PhoneNumber,
): Promise<boolean> {
  const pool = await app.poolRules.of(tenant, route.pool);
  if (!pool) return false;
  const called = route.calledClass ?? destination.numberClass;
  if (!allowsNumber(pool, called)) return false;
  if (pool.destinations.pairs === null) return true;
  // A route of a former version does not say where its caller is from; such a caller is nobody's pair.
  const calling = route.callingClass;
  const virtualNumberCountry = countryOfNumber(route.callerId);
  return calling !== null && allowsPair(pool, { calling, called, virtualNumberCountry });
}

/** Counts a text of the session, in either direction, against the limits of its pool. */
export async function admitMessage(
  app: App,
  tenant: string,
  route: Pick<FoundRoute, 'pool' | 'sessionId'>,
): Promise<boolean> {
  const pool = await app.poolRules.of(tenant, route.pool);
  if (!pool) return false;
  const limits = { perMinute: pool.messagesPerMinuteMax, perDay: pool.messagesPerDayMax };
  return app.storage.run(tenant, ({ spend }) => spend.takeMessage(route.sessionId, app.clock.now(), limits));
}
