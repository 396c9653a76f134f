/** One row of the table that `npm run bench` prints: what was measured, beside its limit and its rival in the same run. */
export interface BenchRow {
  readonly id: `B${number}`;
  readonly title: string;
  /** of `value`, `limit` and `rival` */
  readonly unit: string;
  /** the median over the rounds */
  readonly value: number;
  /** what nothing on this machine can beat; null where there is no such figure */
  readonly limit: number | null;
  /** what the obvious way of doing it reaches; null where there is none */
  readonly rival: number | null;
  /** what the aim is about, mostly `value / limit` */
  readonly ratio: number | null;
  /** what was wanted, in words */
  readonly aim: string;
  /** null where the aim is only that the figure is stated */
  readonly met: boolean | null;
  /** ratios that the smoke form compares instead of `ratio`, by what they are; better when they are high */
  readonly gate?: Readonly<Record<string, number>>;
  /** the lowest and the highest round */
  readonly spread?: { readonly low: number; readonly high: number };
  readonly details: Readonly<Record<string, number | string>>;
}

/** What every measurement is asked with. */
export interface BenchOptions {
  /** the short form: small data, few rounds, and figures that only tell whether something broke */
  readonly smoke: boolean;
  progress(text: string): void;
}
