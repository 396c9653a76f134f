import type { App } from '../app/app.ts';
import type { Bus } from '../bus/bus.ts';
import type { Instant } from '../lib/clock.ts';
import type { Job } from './job.ts';

/** What waits between us and the bus. Calls depend on neither, so none of it makes the service unready. */
export interface Backlog {
  readonly measuredAt: Instant;
  /** seconds for which the oldest event has waited to be published; 0 when none waits */
  readonly outboxAgeSeconds: number;
  /** order events that are still to be handled, by any replica; null when the bus cannot tell */
  readonly consumerLag: bigint | null;
}

export interface BacklogCheck {
  readonly ok: boolean;
  readonly detail: string;
}

/** Nobody should notice a shorter delay; the promise is a quarter of a second. */
const OUTBOX_AGE_LIMIT_SECONDS = 10;
const LAG_LIMIT = 10_000n;
/** A measurement older than this says nothing about now. */
const STALE_MS = 60_000;

/** Measures the outbox and the consumer group regularly, for metrics and the detail of `/readyz`. */
export class BacklogWatch {
  readonly #app: App;
  readonly #bus: Pick<Bus, 'lag'>;
  readonly #topic: string;
  readonly #group: string;
  #latest: Backlog | null = null;

  constructor(app: App, deps: { bus: Pick<Bus, 'lag'>; topic: string; group: string }) {
    this.#app = app;
    this.#bus = deps.bus;
    this.#topic = deps.topic;
    this.#group = deps.group;
  }

  readonly job: Job = {
    name: 'backlog-watch',
    intervalMs: 5_000,
    wake: null,
    // A bus that is away answers late; nobody who stops should wait for that.
    run: (signal) => unlessAborted(this.#measure(), signal),
  };

  /** What `/readyz` says of it. */
  get checks(): { outbox: BacklogCheck; consumer: BacklogCheck } {
    const latest = this.#latest;
    if (latest === null || this.#app.clock.now() - latest.measuredAt > STALE_MS) {
      const unknown = { ok: false, detail: 'It could not be measured in the last minute.' };
      return { outbox: unknown, consumer: unknown };
    }
    const { outboxAgeSeconds, consumerLag } = latest;
    const waiting = `The oldest event has waited for ${outboxAgeSeconds.toFixed(1)} s to be published.`;
    return {
      outbox: {
        ok: outboxAgeSeconds <= OUTBOX_AGE_LIMIT_SECONDS,
        detail: outboxAgeSeconds === 0 ? 'Nothing waits to be published.' : waiting,
      },
      consumer:
        consumerLag === null
          ? { ok: false, detail: 'The bus does not answer. Calls do not depend on it.' }
          : { ok: consumerLag <= LAG_LIMIT, detail: `${consumerLag} order events wait.` },
    };
  }

  async #measure(): Promise<void> {
    const { storage, clock, metrics } = this.#app;
    const [[oldest], size, consumerLag] = await Promise.all([
      storage.system.outboxOldest(1),
      storage.system.outboxSize(),
      this.#bus.lag(this.#topic, this.#group),
    ]);
    const now = clock.now();
    const outboxAgeSeconds = oldest ? Math.max(0, now - oldest.occurredAt) / 1_000 : 0;
    metrics.outboxSize.set(size);
    metrics.outboxAgeSeconds.set(outboxAgeSeconds);
    // NaN shows as such: no lag and an unknown lag must not look the same on a graph.
    metrics.consumerLag.set(consumerLag === null ? Number.NaN : Number(consumerLag));
    this.#latest = { measuredAt: now, outboxAgeSeconds, consumerLag };
  }
}

/** Settles as `work` does, or resolves when `signal` aborts before; then nobody hears of `work` any more. */
async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const leave = (): void => resolve();
  if (signal.aborted) leave();
  signal.addEventListener('abort', leave, { once: true });
  try {
    await Promise.race([work, aborted]);
  } finally {
    // The signal lives as long as the process, and this runs every five seconds.
    signal.removeEventListener('abort', leave);
  }
}
