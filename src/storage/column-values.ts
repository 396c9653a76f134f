import { types } from 'pg';

/** What a parameter may be; see `SqlConnection`. */
type ParameterValue = string | Uint8Array | null;
export type ColumnParser = (text: string) => unknown;

/** text[]; the elements of every array are cut apart in the same way */
const TEXT_ARRAY: number = 1009;
const parseTextArray: (text: string) => unknown[] = types.getTypeParser(TEXT_ARRAY, 'text');

const keepText: ColumnParser = (text) => text;

/** Object identifiers of the types that PostgreSQL itself brings; they never change. */
const parsers = new Map<number, ColumnParser>([
  [16, (text) => text === 't'],
  [17, parseBytes],
  [20, parseInt8],
  [21, Number],
  [23, Number],
  [26, Number],
  [114, (text) => JSON.parse(text)],
  [700, Number],
  [701, Number],
  [1184, parseInstant],
  [3802, (text) => JSON.parse(text)],
]);

/** array type → element type */
const elementTypes: readonly (readonly [number, number])[] = [
  [199, 114],
  [1000, 16],
  [1001, 17],
  [1003, 19],
  [1005, 21],
  [1007, 23],
  [1009, 25],
  [1014, 1042],
  [1015, 1043],
  [1016, 20],
  [1021, 700],
  [1022, 701],
  [1185, 1184],
  [1231, 1700],
  [2951, 2950],
  [3807, 3802],
];
for (const [array, element] of elementTypes) {
  const parseElement = parsers.get(element) ?? keepText;
  parsers.set(array, (text) => parseElements(parseTextArray(text), parseElement));
}

/** How the text form of a column becomes a value; an unknown type stays text. */
export function columnParser(typeId: number): ColumnParser {
  return parsers.get(typeId) ?? keepText;
}

/** What goes over the wire for a parameter. @throws TypeError for a value that no column can mean */
export function parameterValue(value: unknown): ParameterValue {
  if (value === null) return null;
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return arrayText(value);
  return scalarText(value);
}

function scalarText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'boolean':
      return value ? 't' : 'f';
    case 'bigint':
      return value.toString();
    case 'number':
      if (Number.isFinite(value)) return value.toString();
      throw new TypeError('A parameter is NaN or infinite.');
    default:
      if (value instanceof Date) return value.toISOString();
      // The value itself stays out of the message: it may be personal.
      throw new TypeError(`A parameter is of type ${typeof value}; JSON must be stringified first.`);
  }
}

const NEEDS_ESCAPE = /[\\"]/;

// A lot of assignments has ten thousand of these values: most are plain text, which is looked at once.
function arrayText(values: readonly unknown[]): string {
  let text = '{';
  let separator = '';
  for (const value of values) {
    text += separator + elementText(value);
    separator = ',';
  }
  return `${text}}`;
}

function elementText(value: unknown): string {
  if (value === null) return 'NULL';
  if (Array.isArray(value)) return arrayText(value);
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return `"\\\\x${bytes.toString('hex')}"`;
  }
  const text = scalarText(value);
  return `"${NEEDS_ESCAPE.test(text) ? text.replace(/[\\"]/g, '\\$&') : text}"`;
}

function parseElements(elements: readonly unknown[], parse: ColumnParser): unknown[] {
  return elements.map((element) => {
    if (Array.isArray(element)) return parseElements(element, parse);
    return typeof element === 'string' ? parse(element) : null;
  });
}

function parseBytes(text: string): Buffer {
  return Buffer.from(text.slice(2), 'hex');
}

function parseInt8(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError('An int8 column holds a value beyond 2^53; select it as text.');
}

/** `2026-01-31 12:34:56.123456+00`, which needs `DateStyle` ISO and `TimeZone` UTC in the session. */
function parseInstant(text: string): number {
  if (text === 'infinity') return Number.POSITIVE_INFINITY;
  if (text === '-infinity') return Number.NEGATIVE_INFINITY;
  const instant = text.endsWith('+00')
    ? Date.parse(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`)
    : Number.NaN;
  if (Number.isNaN(instant))
    throw new RangeError(`Not a timestamp in UTC between the years 0001 and 9999: ${text}`);
  return instant;
}
