/** Types of the events that we publish on topic `masking`. Past tense, dotted; documented in docs/events/. */
export const MASKING_EVENT_TYPES = [
  'session.opened',
  'session.pending',
  'session.closed',
  'pool.low',
  'pool.exhausted',
  'call.started',
  'call.answered',
  'call.ended',
  'call.refused',
  'message.relayed',
  'message.refused',
  'virtual_number.provisioned',
  'virtual_number.suspended',
  'provider_account.unavailable',
  'provider_account.recovered',
  'call_cap.reached',
  'call_cap.lifted',
] as const;
export type MaskingEventType = (typeof MASKING_EVENT_TYPES)[number];

export interface EventParticipant {
  readonly role: string;
  readonly userId: string | null;
  readonly virtualNumber: string | null;
}

interface SessionEventData {
  readonly sessionId: string;
  readonly reference: string;
  readonly assignment: number;
  readonly pool: string;
  readonly expiresAt: string;
  readonly participants: readonly EventParticipant[];
}

interface PoolEventData {
  readonly pool: string;
  readonly idle: number;
  readonly inService: number;
}

interface CallEventData {
  readonly callId: string;
  readonly sessionId: string | null;
  readonly reference: string | null;
  readonly callingRole: string | null;
  readonly calledRole: string | null;
  readonly virtualNumber: string;
}

/** What each event carries. No real number in any of them. Instants are RFC 3339. */
export interface MaskingEventData {
  'session.opened': SessionEventData;
  'session.pending': SessionEventData;
  'session.closed': SessionEventData & { readonly reason: string };
  'pool.low': PoolEventData & { readonly lowWater: number };
  'pool.exhausted': { readonly pool: string; readonly sessionId: string; readonly reference: string };
  'call.started': CallEventData;
  'call.answered': CallEventData & { readonly answeredAt: string };
  'call.ended': CallEventData & { readonly durationSeconds: number; readonly termination: string };
  'call.refused': CallEventData & { readonly reason: string };
  'message.relayed': MessageEventData;
  'message.refused': MessageEventData & { readonly reason: string };
  'virtual_number.provisioned': VirtualNumberEventData;
  'virtual_number.suspended': VirtualNumberEventData & { readonly reason: string };
  'provider_account.unavailable': { readonly providerAccount: string; readonly reason: string };
  'provider_account.recovered': { readonly providerAccount: string };
  'call_cap.reached': {
    /** null: the cap of the whole tenant */
    readonly providerAccount: string | null;
    readonly measure: 'calls' | 'minutes';
    readonly until: string;
  };
  'call_cap.lifted': { readonly providerAccount: string | null; readonly by: 'hour' | 'command' };
}

interface MessageEventData {
  readonly messageId: string;
  readonly sessionId: string | null;
  readonly reference: string | null;
  readonly sendingRole: string | null;
  readonly receivingRole: string | null;
  readonly virtualNumber: string;
}

interface VirtualNumberEventData {
  readonly virtualNumber: string;
  readonly pool: string;
  readonly providerAccount: string;
}

/** An event as a use case raises it; the outbox gives it an id and a place in the order. */
export type MaskingEvent = {
  [T in MaskingEventType]: { readonly type: T; readonly key: string; readonly data: MaskingEventData[T] };
}[MaskingEventType];
