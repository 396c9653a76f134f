import { StorageError } from '../storage/storage-error.ts';
import type { Storage } from '../storage/storage.ts';
import { Gather } from './gather.ts';

/** Requests in one transaction: more make it longer than anybody who waits for one of its orders would like. */
const LOT = 200;
/** One lot is prepared while the database works on the other. */
const LOTS = 2;
/** Five rounds of lots: with a database that is slow, those behind would wait longer than anybody does. */
const WAITING = 2_000;
/** Kinds of lots that are remembered; whoever names pools that are none cannot fill memory. */
const KINDS = 1_000;

/**
 * Gathers requests by kind: only those of one kind go into one transaction. Those that share a database share its
 * transactions, whoever asks: an event or the API.
 */
export class LotsByKind<Request, Result> {
  readonly #what: string;
  readonly #lotsOf = new WeakMap<Storage, Map<string, Gather<Request, Result>>>();

  /** @param what the requests are, for whoever is refused because too many wait */
  constructor(what: string) {
    this.#what = what;
  }

  /**
   * @param handle of a kind the one that was given first
   * @throws StorageError `unavailable` when too many wait, or what the lot failed with
   */
  ask(
    storage: Storage,
    kind: string,
    handle: (requests: readonly Request[]) => Promise<readonly Result[]>,
    request: Request,
  ): Promise<Result> {
    const lots = this.#lotsOf.get(storage) ?? new Map<string, Gather<Request, Result>>();
    this.#lotsOf.set(storage, lots);
    let gather = lots.get(kind);
    if (!gather) {
      const refusal = () => new StorageError('unavailable', `More than ${WAITING} ${this.#what} wait.`);
      gather = new Gather({ sizeMaximum: LOT, concurrency: LOTS, waitingMaximum: WAITING, refusal, handle });
      if (lots.size >= KINDS) lots.clear();
      lots.set(kind, gather);
    }
    return gather.ask(request);
  }
}
