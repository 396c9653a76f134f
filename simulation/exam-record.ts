import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { ExamReport } from './exam-worker.ts';
import { MUTANTS } from './mutants/all-mutants.ts';

const RECORD = new URL('./mutants/exam.json', import.meta.url);
const DOCUMENT = new URL('../docs/reliability.md', import.meta.url);
const BEGIN = '<!-- exam: written by `npm run simulate -- --exam --record` -->';
const END = '<!-- end of exam -->';

export interface ExamRecord {
  readonly steps: number;
  readonly found: Readonly<Record<string, Found>>;
}

export interface Found {
  readonly seed: number;
  /** how many seeds from 1 on it took, this one included */
  readonly after: number;
  /** the invariant that was violated */
  readonly by: string;
  readonly commit: string;
  readonly date: string;
}

export function readRecord(): ExamRecord {
  return JSON.parse(readFileSync(RECORD, 'utf8')) as ExamRecord;
}

/** Adds what was found to the record, forgets mutants that are no more, and writes the table anew. */
export function writeRecord(reports: readonly ExamReport[], steps: number): void {
  const [commit = '', date = ''] = execFileSync('git', ['show', '-s', '--format=%h %cs', 'HEAD'], {
    encoding: 'utf8',
    cwd: new URL('.', import.meta.url),
  })
    .trim()
    .split(' ');
  const before = readRecord().found;
  const found: Record<string, Found> = {};
  for (const { name } of MUTANTS) {
    const report = reports.find((one) => one.name === name);
    const known = before[name];
    // Whoever begins at a later seed goes on where the seeds before it have found nothing.
    if (report && report.seed !== null && report.violated !== null)
      found[name] = { seed: report.seed, after: report.seed, by: report.violated, commit, date };
    else if (known && (!report || report.error !== null)) found[name] = known;
  }
  writeFileSync(RECORD, `${JSON.stringify({ steps, found }, null, 2)}\n`);
  const text = readFileSync(DOCUMENT, 'utf8');
  const [head, rest] = text.split(BEGIN);
  const tail = rest?.split(END)[1];
  if (head === undefined || tail === undefined)
    throw new Error('docs/reliability.md has no place for the exam.');
  writeFileSync(DOCUMENT, `${head}${BEGIN}\n\n${examTable({ steps, found })}\n${END}${tail}`);
}

export function examTable({ steps, found }: ExamRecord): string {
  const rows = MUTANTS.map(({ name, defect }) => {
    const one = found[name];
    return one
      ? `| \`${name}\` | ${defect} | ${one.after} | ${one.seed} | ${one.by} | ${one.commit}, ${one.date} |`
      : `| \`${name}\` | ${defect} | not found | | | |`;
  });
  return `${Object.keys(found).length} of ${MUTANTS.length} are found, in runs of ${steps} steps.

| Planted defect | What somebody might have got wrong | Seeds it took | Found by seed | It violates | Measured at |
|---|---|---|---|---|---|
${rows.join('\n')}
`;
}

/** The table that is in the document now. */
export function documentedTable(): string {
  return readFileSync(DOCUMENT, 'utf8').split(BEGIN)[1]?.split(END)[0]?.trim() ?? '';
}
