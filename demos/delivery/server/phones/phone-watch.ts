import type { FastifyBaseLogger } from 'fastify';
import type { DeliveryContext } from '../delivery-context.ts';
import { retryPause } from '../retry-pause.ts';
import type { PhoneNetwork } from './phone-network.ts';

interface Watched {
  watchers: number;
  readonly stopping: AbortController;
}

interface PhoneWatchOptions {
  readonly context: DeliveryContext;
  readonly network: PhoneNetwork;
  readonly log: FastifyBaseLogger;
}

/**
 * Follows the phones that open pages show: one connection to the network for each phone, however many pages
 * look at it, and none for a phone that nobody looks at.
 */
export class PhoneWatch {
  readonly #options: PhoneWatchOptions;
  readonly #watched = new Map<string, Watched>();

  constructor(options: PhoneWatchOptions) {
    this.#options = options;
  }

  /** Sends a notice about `userId` whenever their phone changes. Returns the way to stop. */
  watch(userId: string): () => void {
    const watched = this.#watched.get(userId) ?? this.#start(userId);
    watched.watchers++;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      watched.watchers--;
      if (watched.watchers > 0) return;
      watched.stopping.abort();
      this.#watched.delete(userId);
    };
  }

  stop(): void {
    for (const { stopping } of this.#watched.values()) stopping.abort();
    this.#watched.clear();
  }

  #start(userId: string): Watched {
    const watched: Watched = { watchers: 0, stopping: new AbortController() };
    this.#watched.set(userId, watched);
    void this.#follow(userId, watched.stopping.signal);
    return watched;
  }

  async #follow(userId: string, signal: AbortSignal): Promise<void> {
    const { context, network, log } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      const profile = context.stores.profiles.get(userId);
      try {
        if (profile) {
          await network.follow(profile.realNumber, signal, () => {
            failures = 0;
            context.notices.send('phone', userId);
          });
        }
      } catch {
        // The cause may quote the address, and the address holds the real number: it is not logged.
        log.debug({ userId, failures }, 'the phone network does not tell about a phone; trying again');
      }
      if (signal.aborted) return;
      // The network went away or came back: pages find out which by asking.
      context.notices.send('phone', userId);
      await retryPause(failures++, context, signal);
    }
  }
}
