/**
 * What the delivery company's HTTP API answers; shared by its server and its pages. A real number is in none
 * of these: where one is meant, `realNumber` holds the masked form (`+1••••••0123`).
 */

export type Role = 'customer' | 'driver';
export type OrderStatus = 'placed' | 'assigned' | 'completed' | 'cancelled';

/**
 * How far Maskline is with the order's current assignment: `none` before a driver is known, `pending` until
 * virtual numbers are there, `open` while they connect, `closed` afterwards.
 */
export type Masking = 'none' | 'pending' | 'open' | 'closed';

export interface ProfileView {
  readonly userId: string;
  readonly role: Role;
  readonly name: string;
  /** masked */
  readonly realNumber: string;
}

export interface PersonView {
  readonly userId: string;
  readonly name: string;
}

/** An order as the dispatcher sees it. */
export interface OrderView {
  readonly orderId: string;
  /** short enough to be read aloud: `#1007` */
  readonly label: string;
  readonly item: string;
  readonly status: OrderStatus;
  readonly customer: PersonView;
  readonly driver: PersonView | null;
  /** counts up with every change of driver; 0 before the first */
  readonly assignment: number;
  readonly masking: Masking;
  /** why the session closed, in Maskline's words; null while it has not */
  readonly closedReason: string | null;
  /** the virtual number that stands for each party; null when there is no open session */
  readonly virtualNumbers: { readonly customer: string | null; readonly driver: string | null };
  readonly placedAt: string;
  readonly endedAt: string | null;
}

export interface OrderListView {
  /** newest first; every order under way, then the last that ended */
  readonly data: readonly OrderView[];
}

/** An order as one party's app may show it: of the other party the name and the virtual number, no more. */
export interface AppOrderView {
  readonly orderId: string;
  readonly label: string;
  readonly item: string;
  readonly status: OrderStatus;
  readonly masking: Masking;
  readonly contact: {
    readonly role: Role;
    /** null while no driver is assigned */
    readonly name: string | null;
    /** stands for the other party; null when there is no open session */
    readonly virtualNumber: string | null;
  };
  readonly placedAt: string;
}

export interface AppView {
  readonly profile: ProfileView;
  /** orders under way first, then the last that ended */
  readonly orders: readonly AppOrderView[];
}

export interface PlacedOrderView {
  readonly orderId: string;
  readonly label: string;
  readonly status: OrderStatus;
}

export interface OrderChangeView {
  readonly orderId: string;
  readonly status: OrderStatus;
  readonly assignment: number;
}

/** One line of the live feed: an event of the topic `masking`. */
export interface ActivityView {
  readonly eventId: string;
  /** CloudEvents type, such as `call.started` */
  readonly type: string;
  readonly at: string;
  readonly orderId: string | null;
  readonly label: string | null;
  /** role and name of who called or wrote; null for a stranger */
  readonly from: ActivityParty | null;
  readonly to: ActivityParty | null;
  /** the virtual number that was dialled */
  readonly virtualNumber: string | null;
  readonly reason: string | null;
  readonly durationSeconds: number | null;
}

export interface ActivityParty {
  readonly role: string;
  readonly name: string | null;
}

export interface ActivityListView {
  readonly data: readonly ActivityView[];
}

/** A call record, as Maskline's public API tells it. */
export interface CallRecordView {
  readonly id: string;
  readonly callingRole: string | null;
  readonly calledRole: string | null;
  readonly virtualNumber: string;
  readonly callerId: string | null;
  readonly decision: string;
  readonly reason: string;
  readonly state: string;
  readonly startedAt: string;
  readonly durationSeconds: number | null;
}

export interface CallRecordListView {
  readonly data: readonly CallRecordView[];
}

export interface StockView {
  readonly pool: string;
  readonly mode: string;
  readonly lowWater: number | null;
  readonly target: number | null;
  readonly max: number | null;
  readonly now: {
    readonly inService: number;
    readonly idle: number;
    readonly allocated: number;
    readonly resting: number;
  };
}

/** Who the phone's owner knows by a virtual number: as an app would have saved it for an order under way. */
export interface HandsetContact {
  readonly name: string;
  readonly role: Role;
  readonly orderId: string;
  readonly label: string;
}

export type HandsetCallState = 'ringing' | 'answered' | 'ended' | 'refused' | 'failed';

export interface HandsetCall {
  readonly callId: string;
  readonly direction: 'incoming' | 'outgoing';
  /** what the display shows: a virtual number, or the masked form of anything else that called */
  readonly shownNumber: string;
  readonly contact: HandsetContact | null;
  readonly state: HandsetCallState;
  /** the operator's announcement, when there was one */
  readonly heard: string | null;
  readonly startedAt: string;
  readonly answeredAt: string | null;
  readonly endedAt: string | null;
}

export interface HandsetMessage {
  readonly messageId: string;
  readonly direction: 'incoming' | 'outgoing';
  readonly shownNumber: string;
  readonly contact: HandsetContact | null;
  readonly body: string;
  readonly delivered: boolean;
  readonly at: string;
}

export interface HandsetView {
  readonly profile: ProfileView;
  /** newest first */
  readonly calls: readonly HandsetCall[];
  /** oldest first */
  readonly messages: readonly HandsetMessage[];
}

/** The data of every server-sent event: what has changed, so that the page asks for it again. */
export interface ChangeNotice {
  readonly subject: 'orders' | 'profiles' | 'activity' | 'stock' | 'phone';
  /** the order or the user; null when it may be any */
  readonly id: string | null;
}

/** RFC 9457 problem details with our stable code. */
export interface ProblemView {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}
