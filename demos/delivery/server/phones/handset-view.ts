import type { HandsetCall, HandsetContact, HandsetMessage, HandsetView } from '../api-types.ts';
import type { Stores } from '../delivery-context.ts';
import { labelOf } from '../orders/order-view.ts';
import { maskRealNumber } from '../real-number.ts';
import type { Profile } from '../store/profile-store.ts';
import type { NetworkCall, NetworkMessage, NetworkPhone } from './phone-network.ts';

const LIMIT = 50;

/** What the screen of this person's phone shows. No real number is in it, whatever the network says. */
export function toHandsetView(stores: Stores, owner: Profile, phone: NetworkPhone): HandsetView {
  const calls = phone.calls.map((call) => toCall(stores, owner, call));
  const messages = phone.messages.map((message) => toMessage(stores, owner, message));
  const { userId, role, name, realNumber } = owner;
  return {
    profile: { userId, role, name, realNumber: maskRealNumber(realNumber) },
    calls: calls.sort((a, b) => b.startedAt.localeCompare(a.startedAt)).slice(0, LIMIT),
    messages: messages.sort((a, b) => a.at.localeCompare(b.at)).slice(-LIMIT),
  };
}

function toCall(stores: Stores, owner: Profile, call: NetworkCall): HandsetCall {
  const otherNumber = call.direction === 'outgoing' ? call.dialled : call.callerId;
  return {
    callId: call.callId,
    direction: call.direction,
    shownNumber: shown(stores, otherNumber, call.direction),
    contact: contactOf(stores, owner, otherNumber),
    state: call.state,
    heard: call.direction === 'outgoing' ? (call.heard ?? null) : null,
    startedAt: call.startedAt,
    answeredAt: call.answeredAt ?? null,
    endedAt: call.endedAt ?? null,
  };
}

function toMessage(stores: Stores, owner: Profile, message: NetworkMessage): HandsetMessage {
  const otherNumber = message.direction === 'outgoing' ? message.to : message.from;
  return {
    messageId: message.messageId,
    direction: message.direction,
    shownNumber: shown(stores, otherNumber, message.direction),
    contact: contactOf(stores, owner, otherNumber),
    body: message.body,
    delivered: message.direction === 'incoming' || message.state === 'delivered',
    at: message.at,
  };
}

/**
 * A virtual number as it is. Of anything else that called, the masked form: it may be somebody's own number.
 * What the owner typed stands in their log as they typed it, unless it is a number of our Profile store.
 */
function shown(stores: Stores, otherNumber: string, direction: 'incoming' | 'outgoing'): string {
  if (stores.profiles.isRealNumber(otherNumber)) return maskRealNumber(otherNumber);
  if (direction === 'outgoing' || stores.sessions.isVirtualNumber(otherNumber)) return otherNumber;
  return otherNumber.startsWith('+') ? maskRealNumber(otherNumber) : 'No caller ID';
}

/** The name that the app would have saved for this virtual number, while the order lasts. */
function contactOf(stores: Stores, owner: Profile, otherNumber: string): HandsetContact | null {
  const contact = stores.sessions.contactOf(otherNumber, owner.userId);
  if (!contact) return null;
  return { name: contact.name, role: contact.role, orderId: contact.orderId, label: labelOf(contact) };
}
