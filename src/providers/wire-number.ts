import { toVirtualNumber, type VirtualNumber } from '../domain/virtual-number.ts';
import type { PhoneNumber } from '../privacy/phone-number.ts';
import { readCallingNumber } from './calling-number.ts';

/** How a provider writes numbers: `+14155550101`, or the same without the plus sign. */
export type NumberForm = 'e164' | 'digits';

/** Without a plus sign a short code looks like a number; those that people have are 8 digits long at least. */
const DIGITS_MINIMUM = 8;

/** The caller; null when withheld, or when what was sent is no number. Nothing is guessed about the country. */
export function toCallingNumber(text: string | null, form: NumberForm): PhoneNumber | null {
  const e164 = toE164(text, form);
  return e164 === null || e164.length <= DIGITS_MINIMUM ? null : readCallingNumber(e164);
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
