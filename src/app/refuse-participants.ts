import { MasklineError } from '../domain/errors.ts';
import type { Pool } from '../domain/pool.ts';
import type { PhoneNumber } from '../privacy/phone-number.ts';
import type { TenantKeys } from '../privacy/vault.ts';
import type { TenantStorage } from '../storage/storage.ts';

/** One session alone asks at once. */
const FEW = 10;

/** What is asked of a person before a session has them. */
export interface Candidate {
  readonly realNumber: PhoneNumber;
  readonly userId: string | null;
  /** when the company last knew that the number is this person's; null when it does not say */
  readonly verifiedAt: number | null;
}

export interface Objection {
  /** the place of the person in the list */
  readonly index: number;
  readonly code: 'MASK_NUMBER_NOT_ALLOWED' | 'MASK_PERSON_BLOCKED' | 'MASK_NUMBER_NOT_VERIFIED';
  readonly detail: string;
}

/**
 * What speaks against each of these people, by their place: the number is one of our own virtual numbers, which would
 * make a call circle; the company has blocked them; or their number was verified too long ago for the pool. Two
 * statements for any number of people, so that a batch of sessions asks once.
 */
export async function findObjections(
  storage: TenantStorage,
  keys: TenantKeys,
  pool: Pick<Pool, 'verificationMaxAgeSeconds'>,
  people: readonly Candidate[],
  now: number,
): Promise<ReadonlyMap<number, Objection>> {
  const ours = await storage.virtualNumbers.known(people.map((p) => p.realNumber.reveal()));
  const blocked = await blockedAmong(storage, keys, people);
  const objections = new Map<number, Objection>();
  for (const [index, person] of people.entries()) {
    const code = ours.has(person.realNumber.reveal())
      ? 'MASK_NUMBER_NOT_ALLOWED'
      : blocked.has(index)
        ? 'MASK_PERSON_BLOCKED'
        : isVerifiedLately(pool, person, now)
          ? null
          : 'MASK_NUMBER_NOT_VERIFIED';
    if (code) objections.set(index, { index, code, detail: DETAILS[code] });
  }
  return objections;
}

/** A lot has hundreds of people: their digests are made only where somebody is blocked. */
async function blockedAmong(
  storage: TenantStorage,
  keys: TenantKeys,
  people: readonly Candidate[],
): Promise<ReadonlySet<number>> {
  if (people.length > FEW && !(await storage.blocks.hasPersons())) return new Set();
  return storage.blocks.blockedAmong(
    people.map(({ realNumber, userId }) => ({ numberDigest: keys.numberDigest(realNumber), userId })),
  );
}

/** @throws MasklineError for the first person that something speaks against */
export async function refuseParticipants(
  storage: TenantStorage,
  keys: TenantKeys,
  pool: Pick<Pool, 'verificationMaxAgeSeconds'>,
  people: readonly Candidate[],
  now: number,
): Promise<void> {
  const [first] = (await findObjections(storage, keys, pool, people, now)).values();
  if (first) throw new MasklineError(first.code, `Participant ${first.index}: ${first.detail}`);
}

const DETAILS: Readonly<Record<Objection['code'], string>> = {
  MASK_NUMBER_NOT_ALLOWED:
    "the real number is one of the virtual numbers that we lend. Give the person's own number.",
  MASK_PERSON_BLOCKED: 'the company has blocked this person. GET /v1/blocks says why.',
  MASK_NUMBER_NOT_VERIFIED:
    'the pool wants numbers that were verified lately. Verify the number again, and send `verifiedAt`.',
};

/** A moment that lies ahead is a clock that is wrong or a lie. A minute is forgiven. */
function isVerifiedLately(
  { verificationMaxAgeSeconds }: Pick<Pool, 'verificationMaxAgeSeconds'>,
  { verifiedAt }: Candidate,
  now: number,
): boolean {
  if (verificationMaxAgeSeconds === null) return true;
  return (
    verifiedAt !== null && now - verifiedAt <= verificationMaxAgeSeconds * 1_000 && verifiedAt <= now + 60_000
  );
}
