import { MasklineError } from '../domain/errors.ts';
import type { Clock, Instant } from '../lib/clock.ts';
import { hashApiKey, isWellFormedApiKey } from '../privacy/api-key.ts';
import type { ApiKeyRow } from '../storage/storage.ts';

/** A revoked key is refused 5 s later at most (SEC-21); the last second is for the look-up itself. */
const KNOWN_MS = 4_000;
/** Long enough to blunt a flood of one wrong key, short enough that a new key works at once. */
const UNKNOWN_MS = 1_000;
const ENTRIES_MAXIMUM = 5_000;
/**
 * Look-ups at a time of keys that were not good a moment ago. Anybody can make up texts with a right checksum by the
 * thousand; the look-ups of calls wait for the same connections.
 */
const STRANGERS_MAXIMUM = 32;
/** Its use is noted once in so long. */
const NOTED_MS = 60_000;

interface Entry {
  readonly row: Promise<ApiKeyRow | null>;
  until: Instant;
}

/**
 * Looks API keys up by their hash, and remembers the answers for a few seconds. Bounded in both directions, and apart for
 * those that are good and those that are not, so that no number of wrong keys makes it forget a good one.
 */
export class ApiKeyCache {
  readonly #load: (hash: Uint8Array) => Promise<ApiKeyRow | null>;
  readonly #clock: Clock;
  readonly #good = new Map<string, Entry>();
  readonly #strangers = new Map<string, Entry>();
  #strangersAsked = 0;
  readonly #noteUse: (row: ApiKeyRow) => void;
  readonly #noted = new Map<string, Instant>();

  /** @param noteUse is called once a minute for each key that is used */
  constructor(
    load: (hash: Uint8Array) => Promise<ApiKeyRow | null>,
    clock: Clock,
    noteUse: (row: ApiKeyRow) => void = () => {},
  ) {
    this.#noteUse = noteUse;
    this.#load = load;
    this.#clock = clock;
  }

  /**
   * The key's row if it is known, not revoked and not expired.
   * @throws StorageError, and MasklineError MASK_RATE_LIMITED while too many are looked up that nobody knows
   */
  async find(key: string): Promise<ApiKeyRow | null> {
    if (!isWellFormedApiKey(key)) return null;
    const hash = hashApiKey(key);
    const name = Buffer.from(hash).toString('base64');
    const known = this.#good.get(name) ?? this.#strangers.get(name);
    const row = await (known && this.#clock.now() < known.until ? known.row : this.#ask(name, hash));
    if (row === null || row.revokedAt !== null) return null;
    if (row.expiresAt !== null && row.expiresAt <= this.#clock.now()) return null;
    this.#note(row);
    return row;
  }

  #note(row: ApiKeyRow): void {
    const now = this.#clock.now();
    if (now - (this.#noted.get(row.id) ?? -NOTED_MS) < NOTED_MS) return;
    if (this.#noted.size >= ENTRIES_MAXIMUM) this.#noted.clear();
    this.#noted.set(row.id, now);
    this.#noteUse(row);
  }

  #ask(name: string, hash: Uint8Array): Promise<ApiKeyRow | null> {
    const isStranger = !this.#good.has(name);
    if (isStranger && this.#strangersAsked >= STRANGERS_MAXIMUM) {
      throw new MasklineError(
        'MASK_RATE_LIMITED',
        'Too many keys that are not known are asked with. Ask again.',
      );
    }
    // Counted from the question, not from the answer: what was read may be that old.
    const askedAt = this.#clock.now();
    const entry: Entry = { row: this.#load(hash), until: askedAt + KNOWN_MS };
    const among = isStranger ? this.#strangers : this.#good;
    remember(among, name, entry);
    if (isStranger) this.#strangersAsked++;
    entry.row
      .finally(() => {
        if (isStranger) this.#strangersAsked--;
      })
      .then(
        (row) => {
          if (row === null) entry.until = askedAt + UNKNOWN_MS;
          if (isStranger === (row === null) || among.get(name) !== entry) return;
          among.delete(name);
          remember(isStranger ? this.#good : this.#strangers, name, entry);
        },
        () => {
          if (among.get(name) === entry) among.delete(name);
        },
      );
    return entry.row;
  }
}

/** As the youngest; a Map keeps the order of insertion, so the first is the one that was asked longest ago. */
function remember(entries: Map<string, Entry>, name: string, entry: Entry): void {
  entries.delete(name);
  entries.set(name, entry);
  for (const oldest of entries.keys()) {
    if (entries.size <= ENTRIES_MAXIMUM) return;
    entries.delete(oldest);
  }
}
