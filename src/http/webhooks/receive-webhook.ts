import { webhookUrls } from '../../app/adopt-number.ts';
import type { App, ProviderAccount } from '../../app/app.ts';
import { recordLegStatus } from '../../app/record-leg-status.ts';
import { relayMessage } from '../../app/relay-message.ts';
import { routeCall } from '../../app/route-call.ts';
import { MasklineError } from '../../domain/errors.ts';
import { assertNever } from '../../lib/assert.ts';
import {
  type AnswerRequest,
  type InboundMessage,
  type ParsedWebhook,
  ProviderError,
  type StatusCallback,
  type WebhookKind,
  type WebhookRequest,
  type WebhookResponse,
} from '../../providers/provider.ts';
import { isDependencyFailure } from '../map-error.ts';
import { carryOut } from './carry-out.ts';

/**
 * Acts on an authentic webhook. Who asks about a call is always answered with a document that its provider
 * understands: when we cannot read the question or fail ourselves, with the neutral sentence. `waitedMs` of the time
 * for an answer are gone already.
 */
export async function receiveWebhook(
  app: App,
  account: ProviderAccount,
  kind: WebhookKind,
  request: WebhookRequest,
  waitedMs = 0,
): Promise<WebhookResponse> {
  if (kind !== 'answer') return act(app, account, kind, parse(account, kind, request), waitedMs);
  try {
    return await act(app, account, kind, parse(account, kind, request), waitedMs);
  } catch (error) {
    // Only where the answer routes nothing: there the provider waits for a command, and asks again for one.
    if (isDependencyFailure(error) && account.provider.capabilities.answer === 'by_command') throw error;
    if (error instanceof MasklineError) {
      app.log.warn(
        { account: account.name, error },
        'An answer webhook could not be read, so it was refused.',
      );
    } else {
      app.log.error({ account: account.name, error }, 'An answer webhook failed, so it was refused.');
    }
    return neutral(account);
  }
}

/**
 * What is said when more comes than can be decided in time: the neutral sentence, or 503 where another try is worth
 * something. Nothing is recorded, because that would be the work that there is no time for.
 * @throws MasklineError MASK_DEPENDENCY_UNAVAILABLE
 */
export function refuseForLoad(app: App, account: ProviderAccount, kind: WebhookKind): WebhookResponse {
  app.metrics.webhooksShed.inc({ kind });
  if (kind !== 'answer' || account.provider.capabilities.answer === 'by_command') {
    throw new MasklineError('MASK_DEPENDENCY_UNAVAILABLE', 'Deliver the webhook again.');
  }
  return neutral(account);
}

/** @throws MasklineError MASK_INVALID_REQUEST for what the adapter cannot read */
function parse(account: ProviderAccount, kind: WebhookKind, request: WebhookRequest): ParsedWebhook {
  try {
    return account.provider.parseWebhook(kind, request);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    throw new MasklineError('MASK_INVALID_REQUEST', 'The webhook cannot be read.', { cause: error });
  }
}

async function act(
  app: App,
  account: ProviderAccount,
  kind: WebhookKind,
  parsed: ParsedWebhook,
  waitedMs: number,
): Promise<WebhookResponse> {
  switch (parsed.kind) {
    case 'answer':
      return answerCall(app, account, parsed.request, waitedMs);
    case 'message':
      return answerMessage(app, account, parsed.message, waitedMs);
    case 'status':
      return recordStatuses(app, account, [parsed.callback]);
    case 'statuses':
      return recordStatuses(app, account, parsed.callbacks);
    case 'ignored':
      // Somebody may be on the line, so silence is no answer there.
      return kind === 'answer' ? neutral(account) : account.provider.renderAcknowledgement();
    default:
      return assertNever(parsed);
  }
}

/** Should it break off half-way, the whole is sent again: what was recorded already is recorded once. */
async function recordStatuses(
  app: App,
  account: ProviderAccount,
  callbacks: readonly StatusCallback[],
): Promise<WebhookResponse> {
  const { tenant, name: providerAccount } = account;
  for (const callback of callbacks) await recordLegStatus(app, { tenant, providerAccount, ...callback });
  return account.provider.renderAcknowledgement();
}

async function answerCall(
  app: App,
  account: ProviderAccount,
  asked: AnswerRequest,
  waitedMs: number,
): Promise<WebhookResponse> {
  const routed = await routeCall(app, {
    tenant: account.tenant,
    providerAccount: account.name,
    kind: 'call',
    ...asked,
    reportsEnds: account.provider.capabilities.statusCallbacks,
    collectsPin: account.provider.capabilities.collectPin,
    waitedMs,
  });
  const { provider } = account;
  const urls = webhookUrls(account);
  await carryOut(app, account, async (signal) =>
    provider.commandCall?.(asked.providerCallId, routed.instruction, urls, signal),
  );
  return provider.renderCall(routed.instruction, urls);
}

async function answerMessage(
  app: App,
  account: ProviderAccount,
  message: InboundMessage,
  waitedMs: number,
): Promise<WebhookResponse> {
  const { providerMessageId, sendingNumber, calledNumber, body, attachments, mediaUrls = [] } = message;
  const relayed = await relayMessage(app, {
    tenant: account.tenant,
    providerAccount: account.name,
    providerMessageId,
    sendingNumber,
    calledNumber,
    body,
    attachments,
    mediaUrls,
    waitedMs,
  });
  const { provider } = account;
  const { instruction } = relayed;
  if (instruction.decision === 'relay') {
    await carryOut(app, account, async (signal) =>
      provider.sendMessage?.(instruction, providerMessageId, signal),
    );
  }
  return provider.renderMessage(instruction, webhookUrls(account));
}

function neutral(account: ProviderAccount): WebhookResponse {
  return account.provider.renderCall({ decision: 'announce', announcement: 'neutral' }, webhookUrls(account));
}
