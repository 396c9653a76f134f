import { allParts, type BenchReport } from './report.ts';

/** A ratio may fall by this share before it counts as a loss: machines differ, and a shared one is noisy. */
export const TOLERATED_LOSS = 1 / 3;

/**
 * What has become worse since `earlier`, one sentence each. Ratios to the limit and to the rival of the same run are
 * compared, never bare figures, so that another machine may be slower. Rows whose value is a need (numbers, megabytes)
 * are better when they are small.
 */
export function findLosses(earlier: BenchReport, now: BenchReport): string[] {
  const before = new Map(allParts(earlier).map((row) => [`${row.id} ${row.title}`, row]));
  return allParts(now).flatMap((row) => {
    const old = before.get(`${row.id} ${row.title}`);
    if (!old || old.ratio === null || row.ratio === null || old.ratio <= 0 || row.ratio <= 0) return [];
    const kept = isNeed(row.unit) ? old.ratio / row.ratio : row.ratio / old.ratio;
    if (kept >= 1 - TOLERATED_LOSS) return [];
    const percent = Math.round(100 * (1 - kept));
    return [
      `${row.id} (${row.title}): ratio ${old.ratio.toPrecision(3)} before, ${row.ratio.toPrecision(3)} now, ${percent} % worse.`,
    ];
  });
}

/** Rates are counted in something per second; everything else is wanted small. */
function isNeed(unit: string): boolean {
  return !unit.endsWith('/s');
}
