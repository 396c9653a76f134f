import type { ChangeNotice } from './api-types.ts';

export type NoticeListener = (notice: ChangeNotice) => void;

/**
 * Tells open pages what has changed, so that they ask again. A notice carries no content: what a page may see
 * is decided in one place, where it asks.
 */
export class ChangeNotices {
  readonly #listeners = new Set<NoticeListener>();

  /** Returns the way to stop listening. */
  listen(listener: NoticeListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  send(subject: ChangeNotice['subject'], id: string | null = null): void {
    for (const listener of this.#listeners) listener({ subject, id });
  }
}
