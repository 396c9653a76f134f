import { backoffDelayMs } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import type { Signal } from '../lib/signal.ts';
import type { Log } from '../observe/log.ts';

/** A background loop: it looks at the world, does what is due, and waits for a signal or its interval. */
export interface Job {
  readonly name: string;
  readonly intervalMs: number;
  readonly wake: Signal | null;
  /** Does what is due. It should return soon when `signal` aborts. A rejection is logged and tried again. */
  run(signal: AbortSignal): Promise<void>;
  /** What to give back after the last run. */
  release?(): Promise<void>;
}

export interface RunningJob {
  readonly name: string;
  /** Lets the run in hand finish. */
  stop(): Promise<void>;
}

const BACKOFF = { firstDelayMs: 200, maxDelayMs: 15_000 };

export function startJob(job: Job, deps: { clock: Clock; random: Random; log: Log }): RunningJob {
  const stopping = new AbortController();
  const log = deps.log.child({ job: job.name });
  const done = loop();
  return {
    name: job.name,
    async stop() {
      stopping.abort();
      await done;
    },
  };

  async function loop(): Promise<void> {
    let failures = 0;
    while (!stopping.signal.aborted) {
      let delayMs = job.intervalMs;
      try {
        await job.run(stopping.signal);
        failures = 0;
      } catch (error) {
        delayMs = backoffDelayMs(failures++, BACKOFF, deps.random);
        log.warn({ error, failures, delayMs }, 'A background job failed; trying again.');
      }
      await waitForWork(delayMs, failures === 0 ? job.wake : null);
    }
    await job
      .release?.()
      .catch((error) => log.warn({ error }, 'A background job could not give back its lease.'));
  }

  async function waitForWork(delayMs: number, wake: Signal | null): Promise<void> {
    const woken = new AbortController();
    const onStop = (): void => woken.abort();
    stopping.signal.addEventListener('abort', onStop, { once: true });
    if (stopping.signal.aborted) woken.abort();
    const timer = deps.clock.after(delayMs, () => woken.abort());
    if (wake) await wake.wait(woken.signal);
    else await aborted(woken.signal);
    timer.cancel();
    stopping.signal.removeEventListener('abort', onStop);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
