import { describe, expect, test } from 'vitest';
import type { BenchRow } from './bench-row.ts';
import { findLosses, lostInBoth } from './compare-reports.ts';
import { plotRow } from './plot.ts';
import { type BenchReport, reportedRow, reportTable } from './report.ts';

function row(given: Partial<BenchRow>): BenchRow {
  const usual = {
    id: 'B1',
    title: 'answers',
    unit: 'requests/s',
    value: 60,
    limit: 100,
    rival: 30,
    ratio: 0.6,
  } as const;
  return { ...usual, aim: '≥ 0.6', met: true, details: {}, ...given };
}

function report(...rows: BenchRow[]): BenchReport {
  const machine = { processors: 2, memoryGiB: 24, loadBefore: 0, node: 'v24' };
  const keyed = Object.fromEntries(rows.map((one) => [one.id, one]));
  return { date: '', commit: '', smoke: true, machine, rows: keyed, leftOut: {} };
}

describe('a smoke run', () => {
  test('fails when a ratio fell by more than a third, and not before', () => {
    expect(findLosses(report(row({ ratio: 0.6 })), report(row({ ratio: 0.41 })))).toEqual([]);
    expect(findLosses(report(row({ ratio: 0.6 })), report(row({ ratio: 0.39 })))).toEqual([
      {
        row: 'B1',
        what: 'answers: ratio',
        sentence: 'B1 (answers): ratio 0.600 before, 0.390 now, 35 % worse.',
      },
    ]);
  });

  test('knows that of a need less is better', () => {
    const before = row({ id: 'B6', unit: 'numbers', ratio: 1 });
    expect(findLosses(report(before), report({ ...before, ratio: 1.4 }))).toEqual([]);
    expect(findLosses(report(before), report({ ...before, ratio: 1.6 }))).toHaveLength(1);
  });

  test('compares what a row names as its gate, and not its ratio', () => {
    const gate = (serving: number, database: number): BenchRow =>
      row({ ratio: 0.1, gate: { serving, database } });
    expect(findLosses(report(row({ ratio: 0.6, gate: { serving: 0.1 } })), report(gate(0.07, 0.01)))).toEqual(
      [],
    );
    const losses = findLosses(report(gate(0.1, 0.3)), report(gate(0.09, 0.1)));
    expect(losses.map(({ what }) => what)).toEqual(['answers: database']);
  });

  test('believes a loss that it sees again', () => {
    const loss = (what: string): { row: string; what: string; sentence: string } => ({
      row: 'B1',
      what,
      sentence: '',
    });
    expect(lostInBoth([loss('a'), loss('b')], [loss('b'), loss('c')])).toEqual([loss('b')]);
    expect(lostInBoth([loss('a')], [])).toEqual([]);
  });

  test('says nothing about rows that the other run did not have', () => {
    expect(findLosses(report(), report(row({ ratio: 0.1 })))).toEqual([]);
    expect(findLosses(report(row({ ratio: null })), report(row({ ratio: 0.1 })))).toEqual([]);
  });
});

describe('a row of several parts', () => {
  test('is spoken for by the part that missed its aim', () => {
    const missed = row({ title: 'the second', met: false });
    expect(reportedRow([row({}), missed])).toMatchObject({ title: 'the second', parts: [{}, {}] });
    expect(reportedRow([row({})])).toEqual(row({}));
    expect(reportedRow([])).toBeNull();
  });
});

test('the table names value, limit, rival and verdict', () => {
  const table = reportTable(report(row({ met: false })));
  expect(table).toContain('60 requests/s');
  expect(table).toMatch(/B1 .* 100 .* 0\.6 .* 30 .* 2 .* MISSED/);
});

test('a plot is an SVG with a bar for each figure, and the spread', async () => {
  const svg = await plotRow(row({ spread: { low: 55, high: 64 } }));
  expect(svg).toMatch(/^<svg/);
  for (const text of ['Maskline', 'the obvious way', 'what nothing here can beat', 'ratio 0.600']) {
    expect(svg).toContain(text);
  }
  expect(await plotRow(row({ rival: null }))).not.toContain('the obvious way');
});
