import type { BenchRow } from './bench-row.ts';
import { allParts, type BenchReport } from './report.ts';

/** A ratio may fall by this share before it counts as a loss: machines differ, and a shared one is noisy. */
export const TOLERATED_LOSS = 1 / 3;

export interface Loss {
  /** such as B1 */
  readonly row: string;
  /** which figure of which part of the row */
  readonly what: string;
  readonly sentence: string;
}

/**
 * What has become worse since `earlier`. Ratios to the limit and to the rival of the same run are compared, never bare
 * figures, so that another machine may be slower. Rows whose value is a need (numbers, megabytes) are better when they
 * are small; what a row names as its gate is better when it is high, and is compared instead of its ratio.
 */
export function findLosses(earlier: BenchReport, now: BenchReport): Loss[] {
  const before = new Map(allParts(earlier).map((row) => [`${row.id} ${row.title}`, row]));
  return allParts(now).flatMap((row) => {
    const old = before.get(`${row.id} ${row.title}`);
    const figures = old ? compared(old) : {};
    return Object.entries(compared(row)).flatMap(([name, ratio]) => {
      const was = figures[name];
      if (was === undefined || was <= 0 || ratio <= 0) return [];
      const kept = ratio / was;
      if (kept >= 1 - TOLERATED_LOSS) return [];
      const percent = Math.round(100 * (1 - kept));
      const sentence = `${row.id} (${row.title}): ${name} ${was.toPrecision(3)} before, ${ratio.toPrecision(3)} now, ${percent} % worse.`;
      return [{ row: row.id, what: `${row.title}: ${name}`, sentence }];
    });
  });
}

/** What is lost in both: a loss that another measurement does not show was of the machine. */
export function lostInBoth(one: readonly Loss[], other: readonly Loss[]): Loss[] {
  return other.filter((loss) => one.some(({ row, what }) => row === loss.row && what === loss.what));
}

/** The figures of a row that are compared, each better when it is high. */
function compared({ gate, ratio, unit }: BenchRow): Readonly<Record<string, number>> {
  if (gate) return gate;
  if (ratio === null) return {};
  return isNeed(unit) ? { 'limit / value': ratio > 0 ? 1 / ratio : 0 } : { ratio };
}

/** Rates are counted in something per second; everything else is wanted small. */
function isNeed(unit: string): boolean {
  return !unit.endsWith('/s');
}
