import type { BenchRow } from './bench-row.ts';

/** What one run saw, as `--json` prints it and as docs/bench/results.json keeps it. */
export interface BenchReport {
  readonly date: string;
  readonly commit: string;
  readonly smoke: boolean;
  readonly machine: {
    readonly processors: number;
    readonly memoryGiB: number;
    readonly loadBefore: number;
    readonly node: string;
  };
  /** keyed by row; a row of several parts is the part that decides, with all of them under `parts` */
  readonly rows: Readonly<Record<string, ReportedRow>>;
  /** rows that could not be measured, and why */
  readonly leftOut: Readonly<Record<string, string>>;
}

export type ReportedRow = BenchRow & { readonly parts?: readonly BenchRow[] };

/** The part that missed its aim speaks for the row; else the first one does. */
export function reportedRow(parts: readonly BenchRow[]): ReportedRow | null {
  const [first] = parts;
  if (!first) return null;
  const speaking = parts.find(({ met }) => met === false) ?? first;
  return parts.length === 1 ? speaking : { ...speaking, parts };
}

/** Every row and part in one list. */
export function allParts(report: BenchReport): BenchRow[] {
  return Object.values(report.rows).flatMap((row) => row.parts ?? [row]);
}

const COLUMNS = ['row', 'value', 'limit', 'of limit', 'rival', '× rival', 'aim', ''] as const;

/** The table for people. */
export function reportTable(report: BenchReport): string {
  const rows: string[][] = [[...COLUMNS]];
  const titles: string[] = [''];
  for (const row of allParts(report)) {
    rows.push([
      row.id,
      `${amount(row.value)} ${row.unit}`,
      amount(row.limit),
      row.limit === null ? '–' : amount(row.value / row.limit),
      amount(row.rival),
      row.rival === null ? '–' : amount(row.value / row.rival),
      row.aim,
      row.met === null ? '' : row.met ? 'met' : 'MISSED',
    ]);
    titles.push(row.title);
  }
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((cells) => (cells[column] ?? '').length)));
  return rows
    .map((cells, i) => {
      const line = cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd();
      return titles[i] === '' ? line : `${line}\n    ${titles[i]}`;
    })
    .join('\n');
}

export function amount(value: number | null): string {
  if (value === null) return '–';
  return new Intl.NumberFormat('en', { maximumSignificantDigits: 4 }).format(value);
}
