import { describe, expect, it } from 'vitest';
import { forEachPage } from './for-each-page.ts';

const never = new AbortController().signal;

/** Pages of so many rows each, by their places. */
function table(pages: readonly number[]) {
  const asked: (number | null)[] = [];
  const read = async (after: number | null) => {
    asked.push(after);
    const place = after ?? 0;
    const rows = Array.from({ length: pages[place] ?? 0 }, (_, n) => `${place}.${n}`);
    return { rows, next: place + 1 < pages.length ? place + 1 : null };
  };
  return { asked, read };
}

describe.each([1, 2, 3])('pages, %i at once', (atOnce) => {
  it('are read one after another, each once, and handed on if there is anything in them', async () => {
    const { asked, read } = table([2, 0, 0, 1, 3, 0]);
    const handled: string[] = [];
    await forEachPage(never, read, async (rows) => void handled.push(...rows), atOnce);
    expect(asked).toEqual([null, 1, 2, 3, 4, 5]);
    expect(handled.sort()).toEqual(['0.0', '0.1', '3.0', '4.0', '4.1', '4.2']);
  });

  it('are handled so many at a time, and no more are read ahead', async () => {
    const { asked, read } = table([1, 1, 1, 1, 1, 1]);
    const gate = Promise.withResolvers<void>();
    let under = 0;
    const done = forEachPage(
      never,
      read,
      async () => {
        under++;
        await gate.promise;
      },
      atOnce,
    );
    await expect.poll(() => under).toBe(atOnce);
    expect(asked).toHaveLength(atOnce);
    gate.resolve();
    await done;
    expect(under).toBe(6);
  });

  it('stop when one fails or is broken off, after those that are under way', async () => {
    for (const how of ['fails', 'aborts'] as const) {
      const { asked, read } = table([1, 1, 1, 1, 1, 1, 1, 1]);
      const abort = new AbortController();
      let under = 0;
      const done = forEachPage(
        abort.signal,
        read,
        async ([row]) => {
          under++;
          await new Promise(setImmediate);
          under--;
          if (row !== '0.0') return;
          if (how === 'aborts') abort.abort();
          else throw new Error('The page failed.');
        },
        atOnce,
      );
      if (how === 'fails') await expect(done).rejects.toThrow('The page failed.');
      else await done;
      expect(under).toBe(0);
      expect(asked.length).toBeLessThanOrEqual(1 + atOnce);
    }
  });

  it('fail when one cannot be read', async () => {
    const read = async (): Promise<never> => {
      throw new Error('The table is away.');
    };
    await expect(forEachPage(never, read, async () => {}, atOnce)).rejects.toThrow('The table is away.');
  });
});
