import { toVirtualNumber, type VirtualNumber } from '../domain/virtual-number.ts';
import { PhoneNumber } from '../privacy/phone-number.ts';

/** How a provider writes numbers: `+14155550101`, or the same without the plus sign. */
export type NumberForm = 'e164' | 'digits';

/**
 * What some networks send for a withheld caller: a word, keyed in on a telephone's letters. With a plus sign in
 * front several of them pass for numbers of some country.
 */
const KEYPAD_SPELLINGS: ReadonlySet<string> = new Set([
  '266696687', // anonymous
  '7378742833', // restricted
  '8656696', // unknown
  '2562533', // blocked
  '86282452253', // unavailable
  '7748283', // private
]);
/** Anything shorter is a short code: the shortest numbers that people have are 4 digits after a code of 3. */
const DIGITS_MINIMUM = 8;

/** The caller; null when withheld, or when what was sent is no number. Nothing is guessed about the country. */
export function toCallingNumber(text: string | null, form: NumberForm): PhoneNumber | null {
  const e164 = toE164(text, form);
  if (e164 === null || e164.length <= DIGITS_MINIMUM) return null;
  if (KEYPAD_SPELLINGS.has(e164.slice(1))) return null;
  return PhoneNumber.parse(e164);
}

/** The number dialled; null when it cannot be one of ours. */
export function toCalledNumber(text: string | null, form: NumberForm): VirtualNumber | null {
  const e164 = toE164(text, form);
  return e164 === null ? null : toVirtualNumber(e164);
}

/** `+14155550101` as `14155550101`. */
export function withoutPlus(e164: string): string {
  return e164.replace(/^\+/, '');
}

function toE164(text: string | null, form: NumberForm): string | null {
  if (text === null || !/^\+?[1-9][0-9]{1,14}$/.test(text)) return null;
  if (text.startsWith('+')) return text;
  return form === 'digits' ? `+${text}` : null;
}
