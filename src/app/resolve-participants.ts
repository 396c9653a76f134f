import { MasklineError } from '../domain/errors.ts';
import { createId } from '../lib/id.ts';
import type { PhoneNumber } from '../privacy/phone-number.ts';
import type { TenantKeys } from '../privacy/vault.ts';
import type { NewParticipant } from '../storage/session-storage.ts';
import type { AllocatingParticipant } from './allocate-numbers.ts';
import type { App } from './app.ts';
import { LIMITS } from './limits.ts';

export interface RequestedParticipant {
  readonly role: string;
  readonly userId: string | null;
  /** null: the Profile directory is asked by `userId` */
  readonly realNumber: PhoneNumber | null;
  /** when the company last knew that the number is this person's; default: it does not say */
  readonly verifiedAt?: number | null;
}

/** A participant of a session that is about to be made, with the number in hand and sealed. */
export type ResolvedParticipant = AllocatingParticipant &
  NewParticipant & { readonly verifiedAt: number | null };

/**
 * Finds every participant's real number, and refuses a session that could not be told apart: two people with
 * one number would dial each other's virtual number as themselves.
 * @throws MasklineError MASK_UNKNOWN_USER, MASK_INVALID_REQUEST, MASK_EQUAL_NUMBERS
 * @throws ProfileDirectoryUnavailable
 */
export async function resolveParticipants(
  app: App,
  keys: TenantKeys,
  requested: readonly RequestedParticipant[],
): Promise<ResolvedParticipant[]> {
  const numbers = await findNumbers(app, requested);
  numbers.forEach((realNumber, i) => {
    const twin = numbers.findIndex((other) => other.equals(realNumber));
    if (twin !== i) {
      throw new MasklineError(
        'MASK_EQUAL_NUMBERS',
        `Participants ${twin} and ${i} have the same real number. Each needs a number of their own.`,
      );
    }
  });
  return requested.map(({ role, userId, verifiedAt = null }, i) => {
    const id = createId('par', app.clock, app.random);
    const realNumber = numbers[i] as PhoneNumber;
    const participantKey = keys.createParticipantKey();
    const sealedNumber = keys.sealNumber(realNumber, { table: 'participant', row: id }, participantKey);
    const [callerKey] = keys.callerKeys(realNumber);
    const { numberClass } = realNumber;
    return {
      id,
      role,
      userId,
      realNumber,
      numberClass,
      ...callerKey,
      participantKey,
      sealedNumber,
      verifiedAt,
    };
  });
}

async function findNumbers(
  app: App,
  requested: readonly RequestedParticipant[],
): Promise<readonly PhoneNumber[]> {
  const given = requested.flatMap(({ realNumber }) => realNumber ?? []);
  // The usual case, of which there are thousands a second: nobody is asked, and no timer is set.
  if (given.length === requested.length) return given;
  const signal = AbortSignal.timeout(LIMITS.profileTimeoutMs);
  return Promise.all(requested.map((participant) => realNumberOf(app, participant, signal)));
}

async function realNumberOf(
  app: App,
  participant: RequestedParticipant,
  signal: AbortSignal,
): Promise<PhoneNumber> {
  if (participant.realNumber) return participant.realNumber;
  if (participant.userId === null) {
    throw new MasklineError(
      'MASK_INVALID_REQUEST',
      `The ${participant.role} has neither a realNumber nor a userId to look one up by.`,
    );
  }
  const found = await app.profiles.realNumberOf(participant.userId, signal);
  if (!found) {
    throw new MasklineError(
      'MASK_UNKNOWN_USER',
      `The Profile directory does not know the user of the ${participant.role}, or has no valid number for them.`,
    );
  }
  return found;
}
