/** Milliseconds since the Unix epoch, UTC. */
export type Instant = number;

export interface TimerHandle {
  cancel(): void;
}

/** Time is an input: nothing but an implementation of this port may read a clock or set a timer. */
export interface Clock {
  now(): Instant;
  /** Calls `run` once after `delayMs`. A pending timer keeps the process alive: whoever waits, waits to the end. */
  after(delayMs: number, run: () => void): TimerHandle;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Resolves after `delayMs`, or at once when `signal` aborts. It never rejects. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = clock.after(delayMs, done);
    signal?.addEventListener('abort', done, { once: true });
    function done(): void {
      timer.cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    }
  });
}
