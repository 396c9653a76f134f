/** Which history a primary writes. Each promotion of a standby begins the next timeline of the same cluster. */
export interface ServerHistory {
  /** the system identifier, which copies of a cluster share */
  readonly cluster: string;
  readonly timeline: number;
}

/**
 * Remembers the newest history that was seen. A primary that stood still while another was promoted does not know it when it wakes: for
 * some seconds it answers as ever, with sessions open that have ended since. This is told by its timeline.
 */
export class NewestHistory {
  #newest: ServerHistory | null = null;

  /**
   * Why this primary is not to be used, or null. Who never says which history it writes is believed (services keep these
   * functions to themselves), and who does not say it any more is not.
   */
  objectionTo(history: ServerHistory | null): 'replaced' | 'silent' | null {
    const newest = this.#newest;
    if (history === null) return newest === null ? null : 'silent';
    if (newest?.cluster === history.cluster && history.timeline < newest.timeline) return 'replaced';
    this.#newest = history;
    return null;
  }
}
