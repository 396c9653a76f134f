import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Random } from '../lib/random.ts';
import { Format, KEY_BYTES, open, readHeader, type Sealed, seal, UnsealError } from './envelope.ts';
import type { KeyPurpose } from './master-keys.ts';
import { PhoneNumber } from './phone-number.ts';

/** HMAC-SHA-256 of a number under the tenant's index key: 32 bytes. An unkeyed hash of a number is no protection. */
export type CallerKey = Uint8Array;

/** A caller key that says which index key made it, so that it can be replaced when that one goes. */
export interface IndexedCallerKey {
  readonly indexKeyId: number;
  readonly callerKey: CallerKey;
}

/**
 * 32 random bytes of one participant, kept apart from what they help to seal. Destroying them destroys the
 * participant's number wherever it was copied, in backups too.
 */
export type ParticipantKey = Uint8Array;

/** Where a sealed value stands. It is authenticated with the value, so that rows cannot be swapped. */
export interface Place {
  readonly table: 'participant' | 'route' | 'call' | 'dead_letter' | 'provider_account' | 'webhook';
  readonly row: string;
}

/** What outlives the day on which it was sealed; all else is of a person, and its key is destroyed with its day. */
const LASTING: ReadonlySet<Place['table']> = new Set(['provider_account', 'webhook']);

/**
 * `active`: new values are made with it. `writing`: an index key that is on its way in or out, under which routes
 * are written but not looked up. `retired`: what it sealed can be opened. `destroyed`: the key is gone for good.
 */
export type KeyState = 'active' | 'writing' | 'retired' | 'destroyed';

export interface DataKey {
  readonly keyId: number;
  readonly purpose: KeyPurpose;
  readonly state: KeyState;
  /** of a key that seals what concerns persons: the day of its use, `2026-01-31`, UTC */
  readonly day: string | null;
  /** as an object of Node's: with the plain bytes an HMAC takes eight times as long, and sealing four times */
  readonly secret: KeyObject;
}

/** The keys of one tenant, unwrapped, in memory, as they stood at one moment. */
export class TenantKeys {
  readonly tenant: string;
  readonly #sealing: ReadonlyMap<number, KeyObject>;
  readonly #lasting: DataKey;
  readonly #today: DataKey;
  readonly #index: DataKey;
  readonly #writing: readonly DataKey[];
  readonly #fingerprint: DataKey;
  readonly #random: Random;
  /** made of today's key; gone with the participant's key, and with these keys */
  readonly #numberKeys = new WeakMap<ParticipantKey, KeyObject>();
  /** of numbers in hand: a participant and each of their routes ask for the same */
  readonly #callerKeys = new WeakMap<PhoneNumber, readonly [IndexedCallerKey, ...IndexedCallerKey[]]>();

  constructor(tenant: string, keys: readonly DataKey[], today: string, random: Random) {
    const newest = (matches: (key: DataKey) => boolean): DataKey => {
      const key = keys.findLast(matches);
      if (!key) throw new Error(`Tenant ${tenant} lacks a data key`);
      return key;
    };
    const active = (purpose: KeyPurpose, day: string | null) => (key: DataKey) =>
      key.purpose === purpose && key.state === 'active' && key.day === day;
    this.tenant = tenant;
    this.#random = random;
    this.#sealing = new Map(
      keys.filter((key) => key.purpose === 'seal').map((key) => [key.keyId, key.secret]),
    );
    this.#lasting = newest(active('seal', null));
    this.#today = newest(active('seal', today));
    this.#index = newest(active('index', null));
    this.#writing = keys.filter((key) => key.purpose === 'index' && key.state === 'writing');
    this.#fingerprint = newest(active('fingerprint', null));
  }

  /** By which a caller is looked up. */
  callerKey(number: PhoneNumber): CallerKey {
    return hmac(this.#index.secret, number.reveal());
  }

  /**
   * Under which routes are written: the one that is looked up first, and while the index key is being exchanged
   * the other as well. Whoever writes one writes all, so that either alone guards against a second route.
   */
  callerKeys(number: PhoneNumber): readonly [IndexedCallerKey, ...IndexedCallerKey[]] {
    const known = this.#callerKeys.get(number);
    if (known) return known;
    const made = (key: DataKey): IndexedCallerKey => ({
      indexKeyId: key.keyId,
      callerKey: hmac(key.secret, number.reveal()),
    });
    const keys = [made(this.#index), ...this.#writing.map(made)] as const;
    this.#callerKeys.set(number, keys);
    return keys;
  }

  /**
   * HMAC-SHA-256 of any text, to recognise it again without keeping it: a request body, say, whose plain hash
   * would give away the numbers in it. It has a key of its own, which stays when the others are exchanged.
   */
  fingerprint(text: string): Uint8Array {
    return hmac(this.#fingerprint.secret, `fingerprint:${text}`);
  }

  /** By which a number is recognised for as long as the tenant lives, whatever becomes of index keys: 32 bytes. */
  numberDigest(number: PhoneNumber): Uint8Array {
    return hmac(this.#fingerprint.secret, `number:${number.reveal()}`);
  }

  createParticipantKey(): ParticipantKey {
    return this.#random.bytes(KEY_BYTES);
  }

  /** Seals a number under this day's key and the participant's own: without either of them it stays shut. */
  sealNumber(number: PhoneNumber, place: Place, participantKey: ParticipantKey): Sealed {
    const { keyId, secret } = this.#today;
    const header = { format: Format.ParticipantKey, keyId };
    const plain = Buffer.from(number.reveal(), 'utf8');
    // A number is sealed for its participant and for each route that leads to it, one right after the other.
    const key = this.#numberKeys.get(participantKey) ?? numberKey(secret, participantKey);
    this.#numberKeys.set(participantKey, key);
    return seal(key, header, plain, this.#aad(place, keyId), this.#random);
  }

  /**
   * @param participantKey null when it was destroyed: the number is gone then
   * @throws UnsealError
   */
  openNumber(sealed: Sealed, place: Place, participantKey: ParticipantKey | null): PhoneNumber {
    const number = PhoneNumber.parse(this.#openAny(sealed, place, participantKey));
    if (!number) throw new UnsealError('What was sealed is not a phone number.');
    return number;
  }

  sealText(text: string, place: Place): Sealed {
    const { keyId, secret } = LASTING.has(place.table) ? this.#lasting : this.#today;
    const header = { format: Format.DataKey, keyId };
    return seal(secret, header, Buffer.from(text, 'utf8'), this.#aad(place, keyId), this.#random);
  }

  /** @throws UnsealError */
  openText(sealed: Sealed, place: Place): string {
    return this.#openAny(sealed, place, null);
  }

  #openAny(sealed: Sealed, place: Place, participantKey: ParticipantKey | null): string {
    const { keyId, format } = readHeader(sealed);
    const dataKey = this.#sealing.get(keyId);
    if (!dataKey) throw new UnsealError('The key that sealed this value is not there any more.');
    if (format === Format.ParticipantKey && !participantKey) {
      throw new UnsealError("The participant's key is not there any more: the number was erased.");
    }
    const key =
      format === Format.ParticipantKey && participantKey ? numberKey(dataKey, participantKey) : dataKey;
    return Buffer.from(open(key, sealed, this.#aad(place, keyId))).toString('utf8');
  }

  // JSON keeps the parts apart, so that no two places read the same.
  #aad(place: Place, keyId: number): Buffer {
    return Buffer.from(JSON.stringify([this.tenant, place.table, place.row, keyId]));
  }
}

function hmac(key: KeyObject, text: string): Uint8Array {
  return createHmac('sha256', key).update(text).digest();
}

/** An object of Node's for one use pays as well: with plain bytes a cipher takes 15 µs to begin, with it 5. */
function numberKey(dataKey: KeyObject, participantKey: ParticipantKey): KeyObject {
  return createSecretKey(createHmac('sha256', dataKey).update('participant').update(participantKey).digest());
}
