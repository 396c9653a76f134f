export interface Page {
  /** 1 to 500 */
  readonly limit: number;
  /** the last id of the page before, or null for the first page */
  readonly after: string | null;
}
