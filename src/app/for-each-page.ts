import type { KeyedPage } from '../storage/privacy-storage.ts';

/** Rows of a table that one statement reads. */
const PAGE = 500;

/**
 * Reads page after page, each where the one before it ended, and hands each on, until there is none left or `signal`
 * aborts. `atOnce` of them are under way at a time: beside those that are handled, the next is read already. When one
 * fails, no other is begun, and those under way are over before this throws.
 */
export async function forEachPage<R, K>(
  signal: AbortSignal,
  read: (after: K | null, limit: number) => Promise<KeyedPage<R, K>>,
  handle: (rows: readonly R[]) => Promise<void>,
  atOnce = 1,
): Promise<void> {
  let after: K | null = null;
  let isOver = false;
  let turn: Promise<unknown> = Promise.resolve();
  const readNext = async (): Promise<readonly R[]> => {
    if (isOver || signal.aborted) return [];
    const { rows, next } = await read(after, PAGE);
    after = next;
    isOver ||= next === null;
    return rows;
  };
  const work = async (): Promise<void> => {
    try {
      while (!isOver && !signal.aborted) {
        const reading = turn.then(readNext);
        turn = reading.catch(() => {});
        const rows = await reading;
        if (rows.length > 0) await handle(rows);
      }
    } finally {
      isOver = true;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: atOnce }, work));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
}
