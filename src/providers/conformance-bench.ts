import type { Termination } from '../domain/call.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { Clock } from '../lib/clock.ts';
import type { OperatorGateway, OperatorRequest } from './conformance-gateway.ts';
import type { CoveredPart } from './conformance-mutations.ts';
import type { Provider, WebhookRequest, WebhookResponse, WebhookUrls } from './provider.ts';

/** A webhook as the provider would write it, not yet signed. */
export type UnsignedWebhook = Pick<WebhookRequest, 'method' | 'url' | 'headers' | 'rawBody'>;

export interface AnswerFields {
  readonly callId: string;
  /** E.164; null for a caller who withholds it */
  readonly from: string | null;
  readonly to: string;
  readonly attestation?: 'A' | 'B' | 'C';
  readonly digits?: string;
}

export type StatusFields =
  | { readonly callId: string; readonly event: 'ringing' | 'answered'; readonly at: number }
  | {
      readonly callId: string;
      readonly event: 'ended';
      readonly at: number;
      readonly termination: Termination;
      readonly durationSeconds: number;
    };

export interface MessageFields {
  readonly messageId: string;
  readonly from: string;
  readonly to: string;
  readonly body: string;
  /** where a picture is that came with it; only of a provider that `carriesAttachments` */
  readonly picture?: string;
}

/** The provider's side of the webhooks, written without the adapter's own code. */
export interface WebhookBench {
  answer(fields: AnswerFields): UnsignedWebhook;
  status(fields: StatusFields): UnsignedWebhook;
  message(fields: MessageFields): UnsignedWebhook;
  /** Signs as the provider does: with the account's secret unless told otherwise, now unless told otherwise. */
  sign(
    webhook: UnsignedWebhook,
    forgery?: { readonly secret?: string; readonly at?: number },
  ): WebhookRequest;
  /** whether a text of this provider may come with a picture, as far as its webhook says */
  readonly carriesAttachments?: boolean;
  /** the headers that carry the proof, in lower case */
  readonly proofHeaders: readonly string[];
  /** what of a request a changed copy is found out by */
  readonly covers: ReadonlySet<CoveredPart>;
  /** how old or early a proof may be; null when it carries no time */
  readonly toleranceSeconds: number | null;
  /** what the provider reports before the end; both, unless it says so */
  readonly progress?: readonly ('ringing' | 'answered')[];
  /** the ends of a call that this provider can tell apart */
  readonly terminations: readonly Termination[];
}

export type CallReading =
  | {
      readonly kind: 'bridge';
      readonly destination: string;
      readonly callerId: string;
      /** null where the provider takes none */
      readonly ringTimeoutSeconds: number | null;
      readonly maxCallSeconds: number | null;
    }
  | { readonly kind: 'announce'; readonly text: string }
  | { readonly kind: 'collect_pin'; readonly digits: number }
  | { readonly kind: 'reject' };

export type MessageReading =
  | {
      readonly kind: 'relay';
      readonly destination: string;
      readonly sender: string;
      readonly body: string;
    }
  | { readonly kind: 'drop' };

/** Reads a rendered instruction as the provider would. Throws on what the provider would not accept. */
export interface InstructionReader {
  /** the limits of a call that this provider takes, where they are narrower than ours */
  readonly callSeconds?: { readonly minimum: number; readonly maximum: number };
  call(response: WebhookResponse): CallReading;
  message(response: WebhookResponse): MessageReading;
  /** the one sentence that every refusal is answered with, where the provider cannot be told another */
  readonly onlyAnnouncement?: string;
}

/** The provider's side of the REST API: a fake or simulated operator behind a gateway. */
export interface OperatorBench {
  readonly gateway: OperatorGateway;
  /** a country with at least 100 numbers on sale */
  readonly country: string;
  /** a number that this operator does not sell */
  readonly notOnSale: VirtualNumber;
  /** which request buys, where one that prepares the purchase comes before it */
  readonly isPurchase?: (request: OperatorRequest) => boolean;
  /** enough numbers to fill more than one page of the provider's list */
  readonly morePages: number;
  /** Gives the account this many numbers without the adapter. */
  sell(count: number): Promise<void>;
  /** where it asks after a number was pointed at `urls`; there, unless something at the operator stands between */
  readonly asksAt?: (urls: WebhookUrls) => WebhookUrls;
  /** What the operator itself says that the account holds, and where it would ask. */
  held(): Promise<ReadonlyMap<string, WebhookUrls>>;
}

/** Everything that a test of the suite needs; made anew for each, closed after it. */
export interface ProviderBench {
  readonly provider: Provider;
  /** the clock that the provider was given */
  readonly clock: Clock;
  readonly webhooks: WebhookBench;
  readonly reader: InstructionReader;
  readonly operator: OperatorBench;
  /** what must never appear in an error: passwords, tokens, signing secrets */
  readonly secrets: readonly string[];
  close(): Promise<void>;
}
