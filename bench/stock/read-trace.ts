import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { OrderDay } from './order-day.ts';

const COLUMNS = ['assignedAt', 'endedAt', 'customer', 'driver'] as const;
const ORDERS_MAXIMUM = 50_000_000;

/**
 * A trace of your own orders as CSV: a header line with `assignedAt,endedAt,customer,driver` in any order (further
 * columns are left alone), times in RFC 3339 or in seconds, people as any text without commas. Give ids, never phone
 * numbers.
 *
 * @throws Error that names the line, when one cannot be read
 */
export async function readTrace(file: string): Promise<OrderDay> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  const people = new Map<string, number>();
  const rows: { openedAt: number; closedAt: number; customer: number; driver: number }[] = [];
  let columns: number[] | null = null;
  let lineNumber = 0;
  for await (const line of lines) {
    lineNumber++;
    if (line.trim() === '') continue;
    const fields = line.split(',').map((field) => field.trim());
    if (columns === null) {
      columns = COLUMNS.map((name) => fields.indexOf(name));
      if (columns.includes(-1)) throw new Error(`Line 1 must name the columns ${COLUMNS.join(', ')}.`);
      continue;
    }
    if (rows.length >= ORDERS_MAXIMUM) throw new Error(`A trace has ${ORDERS_MAXIMUM} orders at most.`);
    const [from = '', to = '', customer = '', driver = ''] = columns.map((index) => fields[index] ?? '');
    const openedAt = seconds(from);
    const closedAt = seconds(to);
    if (!(closedAt >= openedAt)) throw new Error(`Line ${lineNumber}: the order must end after it begins.`);
    if (customer === '' || driver === '' || customer === driver) {
      throw new Error(`Line ${lineNumber}: a customer and another person as driver are needed.`);
    }
    rows.push({ openedAt, closedAt, customer: indexOf(people, customer), driver: indexOf(people, driver) });
  }
  if (rows.length === 0) throw new Error('The trace holds no order.');
  rows.sort((a, b) => a.openedAt - b.openedAt);
  return {
    orders: rows.length,
    people: people.size,
    openedAt: Float64Array.from(rows, (row) => row.openedAt),
    closedAt: Float64Array.from(rows, (row) => row.closedAt),
    customer: Uint32Array.from(rows, (row) => row.customer),
    driver: Uint32Array.from(rows, (row) => row.driver),
  };
}

/** NaN when it is neither; the comparison that follows refuses it. */
function seconds(text: string): number {
  return /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : Date.parse(text) / 1_000;
}

function indexOf(people: Map<string, number>, name: string): number {
  const known = people.get(name);
  if (known !== undefined) return known;
  people.set(name, people.size);
  return people.size - 1;
}
