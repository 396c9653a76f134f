import { isCarrierKeyword } from '../domain/carrier-keyword.ts';
import { type ArrivedText, toRelayedText } from '../domain/relayed-text.ts';
import { type DecisionReason, judgeRoute } from '../domain/route.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import { createId } from '../lib/id.ts';
import type { PhoneNumber } from '../privacy/phone-number.ts';
import type { CallerKey, TenantKeys } from '../privacy/vault.ts';
import type { MessageInstruction } from '../providers/provider.ts';
import type { NewMessage } from '../storage/storage.ts';
import type { OutboxEvent } from '../storage/outbox-storage.ts';
import type { FoundRoute } from '../storage/route-storage.ts';
import type { App } from './app.ts';
import { withDeadline } from './deadline.ts';
import { admitMessage, isAllowedDestination } from './guard-spend.ts';
import { LIMITS } from './limits.ts';
import { raiseEvent } from './raise-event.ts';
import { routePlace } from './route-place.ts';
import { refuseMessage, withdrawMessage } from './withdraw-late.ts';

export interface RelayQuestion extends ArrivedText {
  readonly tenant: string;
  readonly providerAccount: string;
  readonly providerMessageId: string;
  readonly sendingNumber: PhoneNumber | null;
  readonly calledNumber: VirtualNumber | null;
  /** milliseconds of the time for an answer that were gone before the question was read; default 0 */
  readonly waitedMs?: number;
}

export interface RelayedMessage {
  readonly messageId: string | null;
  readonly sessionId: string | null;
  readonly reason: DecisionReason;
  readonly instruction: MessageInstruction;
}

/**
 * Says what to do with a text: the same look-up as a call. A refused text is dropped in silence, because an
 * automatic reply to strangers can be made to cost money. The words pass through and are not kept. STOP and the
 * like are meant for the carrier, which acts on them itself: they are not passed on, and not answered by us.
 * It never throws and answers by LIMITS.decisionDeadlineMs.
 */
export async function relayMessage(app: App, question: RelayQuestion): Promise<RelayedMessage> {
  const messageId = createId('msg', app.clock, app.random);
  let isDropped = false;
  const deciding = decide(app, question, messageId, () => isDropped);
  try {
    const left = Math.max(1, LIMITS.decisionDeadlineMs - (question.waitedMs ?? 0));
    return await withDeadline(app.clock, left, deciding, () => {
      isDropped = true;
      return drop('too_late', null);
    });
  } catch (error) {
    isDropped = true;
    app.log.error(
      { error, account: question.providerAccount },
      'A text could not be decided, so it was dropped.',
    );
    return drop('too_late', null);
  } finally {
    if (isDropped) takeBack(app, question, messageId, deciding);
  }
}

/** It was dropped already: nobody who asks again is told anything else. */
function takeBack(app: App, question: RelayQuestion, messageId: string, deciding: Promise<unknown>): void {
  const account = question.providerAccount;
  deciding
    .then(undefined, () => dropUndecided(app, question, messageId))
    .catch((error) => app.log.warn({ error, account }, 'That a text was dropped could not be recorded.'));
}

async function dropUndecided(app: App, question: RelayQuestion, messageId: string): Promise<void> {
  const { tenant, sendingNumber } = question;
  const keys = await app.vault.keysOf(tenant);
  const callerKey = sendingNumber && keys.callerKey(sendingNumber);
  // What was dialled is not kept, because whether it is a number of ours may not be known.
  const asked = { ...question, calledNumber: null };
  const record = toRecord(app, asked, messageId, callerKey, null, drop('too_late', null));
  await refuseMessage(app, tenant, record, decisionEvent(app, record));
}

async function decide(
  app: App,
  question: RelayQuestion,
  messageId: string,
  isLate: () => boolean,
): Promise<RelayedMessage> {
  const { tenant, calledNumber, sendingNumber, providerAccount } = question;
  const keys = await app.vault.keysOf(tenant);
  const callerKey = sendingNumber && keys.callerKey(sendingNumber);
  const now = app.clock.now();
  const found =
    calledNumber === null
      ? { numberKnown: false, route: null }
      : await app.storage.run(tenant, (storage) =>
          storage.routes.lookup({ providerAccount, virtualNumber: calledNumber, callerKey, now }),
        );
  const verdict = judgeRoute({ now, kind: 'message', verification: null, ...found });
  const reason = verdict.reason === 'ok' && isCarrierKeyword(question.body) ? 'blocked' : verdict.reason;
  const opened =
    reason === 'ok' && found.route && callerKey && calledNumber
      ? relay(keys, found.route, calledNumber, callerKey, question)
      : drop(reason === 'ok' ? 'unknown_caller' : reason, found.route?.sessionId ?? null);
  const relayed = found.route ? await guardText(app, tenant, found.route, opened) : opened;
  // As with calls: what was dialled is not kept unless it is one of our numbers.
  const recorded = found.numberKnown ? question : { ...question, calledNumber: null };
  const record = toRecord(app, recorded, messageId, callerKey, found.route, relayed);
  const isNew = await app.storage.run(tenant, (storage) =>
    storage.messages.insert(record, decisionEvent(app, record)),
  );
  if (!isNew) return replay(app, keys, question);
  // It was dropped already, so it was not relayed, whatever the record says by now.
  if (isLate() && record.reason === 'ok') await withdrawMessage(app, tenant, record);
  app.wake.outbox.raise();
  app.metrics.decisions.inc({ kind: 'message', reason: relayed.reason });
  return { ...relayed, messageId: record.id };
}

/** A text to where the pool does not reach, or beyond what its session may send, is dropped like any other. */
async function guardText(
  app: App,
  tenant: string,
  route: FoundRoute,
  opened: RelayedMessage,
): Promise<RelayedMessage> {
  const { instruction } = opened;
  if (instruction.decision !== 'relay') return opened;
  if (!(await isAllowedDestination(app, tenant, route, instruction.destination))) {
    return drop('destination_not_allowed', route.sessionId);
  }
  return (await admitMessage(app, tenant, route)) ? opened : drop('rate_limited', route.sessionId);
}

function relay(
  keys: TenantKeys,
  route: Pick<
    FoundRoute,
    'sealedDestination' | 'participantKey' | 'sessionId' | 'callerId' | 'attachments' | 'maskNumbers'
  >,
  dialled: VirtualNumber,
  callerKey: CallerKey,
  text: ArrivedText,
): RelayedMessage {
  if (!route.sealedDestination) return drop('session_ended', route.sessionId);
  const place = routePlace(dialled, callerKey);
  const destination = keys.openNumber(route.sealedDestination, place, route.participantKey);
  const { body, mediaUrls } = toRelayedText(text, route);
  const instruction = {
    decision: 'relay',
    destination,
    sender: route.callerId,
    body,
    ...(mediaUrls.length > 0 && { mediaUrls }),
  } as const;
  return { messageId: null, sessionId: route.sessionId, reason: 'ok', instruction };
}

function drop(reason: DecisionReason, sessionId: string | null): RelayedMessage {
  return { messageId: null, sessionId, reason, instruction: { decision: 'drop' } };
}

/** A provider that lost our answer asks again; it gets the same one, as long as the route is the same and live. */
async function replay(app: App, keys: TenantKeys, question: RelayQuestion): Promise<RelayedMessage> {
  const now = app.clock.now();
  const decided = await app.storage.run(question.tenant, (storage) =>
    storage.messages.decided(question.providerAccount, question.providerMessageId, now),
  );
  const known = decided?.callerKey;
  const asked = question.sendingNumber && known ? keys.callerKeys(question.sendingNumber) : [];
  const callerKey = asked.find((key) => known && Buffer.compare(known, key.callerKey) === 0)?.callerKey;
  if (!decided || !callerKey || decided.virtualNumber !== question.calledNumber)
    return drop('unknown_caller', null);
  const { sealedDestination, participantKey, sessionId, senderId } = decided;
  const fresh = now - decided.createdAt <= LIMITS.answerReplaySeconds * 1_000;
  if (decided.reason !== 'ok') return drop(decided.reason, sessionId);
  if (!fresh || !sealedDestination || !sessionId || !senderId || !question.calledNumber) {
    return drop('session_ended', sessionId);
  }
  const { attachments, maskNumbers } = decided;
  const terms = { attachments: attachments ?? false, maskNumbers: maskNumbers ?? true };
  const route = { sealedDestination, participantKey, sessionId, callerId: senderId, ...terms };
  return { ...relay(keys, route, question.calledNumber, callerKey, question), messageId: decided.id };
}

function toRecord(
  app: App,
  question: RelayQuestion,
  id: string,
  callerKey: CallerKey | null,
  route: FoundRoute | null,
  relayed: RelayedMessage,
): NewMessage {
  return {
    id,
    providerAccount: question.providerAccount,
    providerMessageId: question.providerMessageId,
    sessionId: route?.sessionId ?? null,
    reference: route?.reference ?? null,
    sendingRole: route?.callingRole ?? null,
    receivingRole: route?.calledRole ?? null,
    virtualNumber: question.calledNumber ?? '',
    callerKey,
    senderId: relayed.instruction.decision === 'relay' ? relayed.instruction.sender : null,
    decision: relayed.instruction.decision,
    reason: relayed.reason,
    createdAt: app.clock.now(),
  };
}

function decisionEvent(app: App, message: NewMessage): OutboxEvent {
  const { id: messageId, sessionId, reference, sendingRole, receivingRole, virtualNumber } = message;
  const data = { messageId, sessionId, reference, sendingRole, receivingRole, virtualNumber };
  const key = reference ?? messageId;
  return message.reason === 'ok'
    ? raiseEvent(app, 'message.relayed', key, data)
    : raiseEvent(app, 'message.refused', key, { ...data, reason: message.reason });
}
