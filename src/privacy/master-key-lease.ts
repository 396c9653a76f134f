import { timingSafeEqual } from 'node:crypto';
import type { Clock, Instant } from '../lib/clock.ts';
import { type MasterKeySource, MasterKeyUnavailable } from './master-key-source.ts';

const ASK_TIMEOUT_MS = 10_000;
/** A key that was confirmed so long ago is asked for again. */
const RENEW_MS = 5 * 60_000;
const RETRY_MS = 30_000;
/** FLT-41: without a confirmation for so long, nothing is opened or sealed any more. */
const HOLD_MS = 15 * 60_000;

type Keys = readonly [Uint8Array, ...Uint8Array[]];

/**
 * The master keys for as long as those who keep them agree. A key management service that is down, or that has
 * taken the key back, stops new processes at once and running ones after a quarter of an hour.
 */
export class MasterKeyLease {
  readonly keys: Keys;
  readonly #sources: readonly MasterKeySource[];
  readonly #clock: Clock;
  readonly #onTrouble: (error: unknown) => void;
  #confirmedAt: Instant;
  #askedAt: Instant;
  #asking = false;

  private constructor(
    keys: Keys,
    sources: readonly MasterKeySource[],
    clock: Clock,
    onTrouble: (error: unknown) => void,
  ) {
    this.keys = keys;
    this.#sources = sources.filter(({ revocable }) => revocable);
    this.#clock = clock;
    this.#onTrouble = onTrouble;
    this.#confirmedAt = clock.now();
    this.#askedAt = this.#confirmedAt;
  }

  /**
   * @param sources the first one's key wraps, the others' open only
   * @throws MasterKeyUnavailable
   */
  static async take(
    sources: readonly [MasterKeySource, ...MasterKeySource[]],
    clock: Clock,
    onTrouble: (error: unknown) => void = () => {},
  ): Promise<MasterKeyLease> {
    const [first, ...others] = sources;
    const keys = [await readIn(first), ...(await Promise.all(others.map(readIn)))] as const;
    return new MasterKeyLease(keys, sources, clock, onTrouble);
  }

  /** Whether the keys may be used. It never waits: when a confirmation is due, it is asked for beside the work. */
  held(): boolean {
    if (this.#sources.length === 0) return true;
    const now = this.#clock.now();
    const due = now - this.#confirmedAt >= RENEW_MS && now - this.#askedAt >= RETRY_MS;
    if (due && !this.#asking) void this.renew();
    return now - this.#confirmedAt < HOLD_MS;
  }

  /** Asks again, now. It never throws; trouble is told. */
  async renew(): Promise<void> {
    this.#asking = true;
    const askedAt = this.#clock.now();
    this.#askedAt = askedAt;
    try {
      const answers = await Promise.all(this.#sources.map(readIn));
      if (!answers.every((answer) => this.keys.some((key) => same(key, answer)))) {
        throw new MasterKeyUnavailable(
          'The master key is another than at the start. Give both, as docs/security.md says, and restart.',
        );
      }
      this.#confirmedAt = askedAt;
    } catch (error) {
      this.#onTrouble(error);
    } finally {
      this.#asking = false;
    }
  }
}

function readIn(source: MasterKeySource): Promise<Uint8Array> {
  return source.read(AbortSignal.timeout(ASK_TIMEOUT_MS));
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
