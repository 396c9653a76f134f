import { announcementFor, type DecisionReason, type RefusalReason } from '../domain/route.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { PhoneNumber } from '../privacy/phone-number.ts';
import type { CallerKey, TenantKeys } from '../privacy/vault.ts';
import type { Attestation, CallInstruction } from '../providers/provider.ts';
import type { FoundRoute } from '../storage/route-storage.ts';
import { routePlace } from './route-place.ts';

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
  /** whether the one who asks reports when a connected call ends; only then does it count as under way till then */
  readonly reportsEnds?: boolean;
  /** whether the one who asks can collect digits from the caller */
  readonly collectsPin?: boolean;
  /** milliseconds of the time for an answer that were gone before the question was read; default 0 */
  readonly waitedMs?: number;
}

export interface RoutedCall {
  /** our id of the call; null when it could not be recorded */
  readonly callId: string | null;
  readonly sessionId: string | null;
  readonly reason: DecisionReason;
  readonly instruction: CallInstruction;
}

/** What a bridge needs of a route, whether it was looked up or is told again. */
export type DecidedRoute = Pick<
  FoundRoute,
  | 'sessionId'
  | 'sealedDestination'
  | 'participantKey'
  | 'callerId'
  | 'ringTimeoutSeconds'
  | 'maxCallSeconds'
  | 'recordingConsent'
>;

/** Connects by a route. The destination is opened here and nowhere else. */
export function bridge(
  keys: TenantKeys,
  route: DecidedRoute,
  dialled: VirtualNumber,
  routeKey: CallerKey,
  callingNumber: PhoneNumber | null,
): RoutedCall {
  if (!route.sealedDestination) return refusal('session_ended', null, route.sessionId);
  const place = routePlace(dialled, routeKey);
  const destination = keys.openNumber(route.sealedDestination, place, route.participantKey);
  // Refused when the session opened; asked again, because a call that circles costs money on every turn.
  const isLoop =
    destination.isAnyOf([dialled, route.callerId]) ||
    callingNumber?.isAnyOf([dialled, route.callerId]) ||
    callingNumber?.equals(destination);
  if (isLoop) return refusal('destination_not_allowed', null, route.sessionId);
  return {
    callId: null,
    sessionId: route.sessionId,
    reason: 'ok',
    instruction: {
      decision: 'bridge',
      destination,
      callerId: route.callerId,
      ringTimeoutSeconds: route.ringTimeoutSeconds,
      maxCallSeconds: route.maxCallSeconds,
      ...(route.recordingConsent !== null && { recording: { consent: route.recordingConsent } }),
    },
  };
}

/** Asks for a PIN; why the caller was not connected without one is kept. */
export function askForPin(reason: RefusalReason, callId: string | null, digits: number): RoutedCall {
  return { callId, sessionId: null, reason, instruction: { decision: 'collect_pin', digits } };
}

/** A caller who has little of the session's talk left gets a shorter call. */
export function within(routed: RoutedCall, maxCallSeconds: number | null): RoutedCall {
  const { instruction } = routed;
  if (instruction.decision !== 'bridge' || maxCallSeconds === null) return routed;
  return { ...routed, instruction: { ...instruction, maxCallSeconds } };
}

export function refusal(reason: RefusalReason, callId: string | null, sessionId: string | null): RoutedCall {
  const instruction = { decision: 'announce', announcement: announcementFor(reason) } as const;
  return { callId, sessionId, reason, instruction };
}
