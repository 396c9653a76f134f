const PAGE = 500;

/**
 * Reads a table page by page and hands each page on, until there is none left or `signal` aborts. `read` gets the
 * last row of the page before, or null.
 */
export async function forEachPage<R>(
  signal: AbortSignal,
  read: (after: R | null, limit: number) => Promise<readonly R[]>,
  handle: (rows: readonly R[]) => Promise<void>,
): Promise<void> {
  let after: R | null = null;
  while (!signal.aborted) {
    const rows: readonly R[] = await read(after, PAGE);
    if (rows.length > 0) await handle(rows);
    after = rows.at(-1) ?? null;
    if (rows.length < PAGE) return;
  }
}
