import type { Log } from './observe/log.ts';

/** What runs, in the order in which it was started. */
export type Started = { readonly name: string; stop(): Promise<void> }[];

/** In reverse. Whatever one of them says, the others are stopped as well. */
export async function stopAll(started: Started, log: Log): Promise<void> {
  for (let one = started.pop(); one; one = started.pop()) {
    const { name, stop } = one;
    await stop().catch((error: unknown) => log.warn({ error, part: name }, 'A part did not stop cleanly.'));
  }
}
