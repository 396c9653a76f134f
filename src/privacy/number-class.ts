import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { NumberClass, NumberType } from '../domain/destination.ts';
import { plainNumber } from './number-types.ts';

const TYPES: Readonly<Record<string, NumberType>> = {
  MOBILE: 'mobile',
  FIXED_LINE: 'fixed_line',
  FIXED_LINE_OR_MOBILE: 'fixed_line_or_mobile',
  VOIP: 'voip',
  PERSONAL_NUMBER: 'personal_number',
  TOLL_FREE: 'toll_free',
  PREMIUM_RATE: 'premium_rate',
  SHARED_COST: 'shared_cost',
  UAN: 'uan',
  PAGER: 'pager',
  VOICEMAIL: 'voicemail',
};
const SUBSCRIBERS: readonly NumberType[] = ['mobile', 'fixed_line', 'fixed_line_or_mobile'];

/**
 * Kept free for fiction: line numbers 555-0100 to 0199 of any area code of +1 (ATIS-0300115), and ranges of Ofcom
 * and Arcep that the metadata do not know as anybody's. +91 10 0000 is the simulator's own: see number-ranges.ts.
 */
const FICTION = [
  /^\+1[2-9][0-9]{2}55501[0-9]{2}$/,
  /^\+447700900[0-9]{3}$/,
  /^\+441632960[0-9]{3}$/,
  /^\+443069990[0-9]{3}$/,
  /^\+3363998[0-9]{4}$/,
  /^\+91100000[0-9]{4}$/,
];

/**
 * Country and type of an E.164 number. Where several countries share a calling code and the number is in no range of
 * theirs, the country is the main one.
 */
export function classifyNumber(e164: string): NumberClass {
  const plain = plainNumber(e164);
  return plain ? toClass(e164, plain.country, plain.type) : classifyInFull(e164);
}

/** The same by a full parse, some 50 µs. */
export function classifyInFull(e164: string): NumberClass {
  const parsed = parsePhoneNumberFromString(e164);
  const country = parsed?.country ?? parsed?.getPossibleCountries()[0];
  if (!parsed || country === undefined) return `+${parsed?.countryCallingCode ?? ''}:satellite`;
  return toClass(e164, country, parsed.getType() ?? null);
}

function toClass(e164: string, country: string, typeName: string | null): NumberClass {
  const type = TYPES[typeName ?? ''] ?? 'unassigned';
  // A range for fiction counts as such only where nobody could be called: +1 201 555 0123 is an ordinary number.
  const isFiction = !SUBSCRIBERS.includes(type) && FICTION.some((range) => range.test(e164));
  return `${country}:${isFiction ? 'fiction' : type}`;
}

/** The country alone, as in its class. */
export function countryOfNumber(e164: string): string {
  return classifyNumber(e164).split(':')[0] ?? '';
}
