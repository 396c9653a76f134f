import { createHmac, timingSafeEqual } from 'node:crypto';
import Type, { type Static } from 'typebox';
import type { Clock, Instant } from '../../lib/clock.ts';
import { hasBasicAuth } from '../basic-auth.ts';
import { ImportedNumbers } from '../imported-numbers.ts';
import type {
  ParsedWebhook,
  Provider,
  ProviderCapabilities,
  WebhookKind,
  WebhookRequest,
} from '../provider.ts';
import { configReader } from '../switch-password.ts';
import {
  renderJambonzAcknowledgement,
  renderJambonzCall,
  renderJambonzMessage,
} from './jambonz-instructions.ts';
import { parseJambonzWebhook } from './jambonz-webhooks.ts';

const Secret = Type.String({ minLength: 16, maxLength: 256 });

/**
 * What a jambonz account needs.
 * - `webhookSecret`: from its portal, the key of the signatures.
 * - `previousWebhookSecret`: accepted as well while a rotation is under way; remove it afterwards.
 * - `password`: HTTP Basic, if the application has it set; the user name is `jambonz`.
 */
const JambonzConfigSchema = Type.Object(
  {
    webhookSecret: Secret,
    previousWebhookSecret: Type.Optional(Secret),
    password: Type.Optional(Secret),
  },
  { additionalProperties: false },
);
export type JambonzConfig = Readonly<Static<typeof JambonzConfigSchema>>;

/** @throws Error that names every violation, and no value */
export const readJambonzConfig = configReader(JambonzConfigSchema, 'jambonz');

/** How far the clocks may differ, either way: a captured request is worth nothing after that. */
const TOLERANCE_SECONDS = 300;

const CAPABILITIES: ProviderCapabilities = {
  answer: 'in_response',
  statusCallbacks: true,
  messages: false,
  messageRelay: 'none',
  recording: false,
  maxDuration: true,
  collectPin: true,
  attestation: false,
  rejectUnanswered: true,
  provisioning: 'none',
  authenticityFactors: ['signature', 'secret_path'],
};

/** A jambonz of one's own: docs/providers/jambonz.md. @throws Error on a bad config */
export function createJambonzProvider(config: JambonzConfig, options: { readonly clock: Clock }): Provider {
  return new JambonzProvider(readJambonzConfig(config), options.clock);
}

class JambonzProvider extends ImportedNumbers implements Provider {
  readonly capabilities = CAPABILITIES;
  readonly renderCall = renderJambonzCall;
  readonly renderMessage = renderJambonzMessage;
  readonly renderAcknowledgement = renderJambonzAcknowledgement;
  readonly #config: JambonzConfig;
  readonly #clock: Clock;

  constructor(config: JambonzConfig, clock: Clock) {
    super('A jambonz');
    this.#config = config;
    this.#clock = clock;
  }

  isAuthentic(request: WebhookRequest): boolean {
    const { password } = this.#config;
    if (password !== undefined && !hasBasicAuth(request, 'jambonz', [password])) return false;
    return isSigned(request, this.#config, this.#clock.now());
  }

  parseWebhook(kind: WebhookKind, request: WebhookRequest): ParsedWebhook {
    return parseJambonzWebhook(kind, request, this.#clock.now());
  }
}

/** `Jambonz-Signature: t=<Unix seconds>,v1=<hex HMAC-SHA-256 of "t.body">`, compared before anything is parsed. */
function isSigned(request: WebhookRequest, config: JambonzConfig, now: Instant): boolean {
  const match = /^t=([0-9]{1,12}),v1=([0-9a-f]{64})$/.exec(request.headers['jambonz-signature'] ?? '');
  const [, timestamp, signature] = match ?? [];
  if (timestamp === undefined || signature === undefined) return false;
  if (Math.abs(now / 1_000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const given = Buffer.from(signature, 'hex');
  // Every secret is tried, so that the time taken does not tell which of them signed.
  let authentic = false;
  for (const secret of [config.webhookSecret, config.previousWebhookSecret]) {
    if (secret === undefined) continue;
    const hmac = createHmac('sha256', secret).update(`${timestamp}.`).update(request.rawBody);
    if (timingSafeEqual(hmac.digest(), given)) authentic = true;
  }
  return authentic;
}
