import { PhoneNumber } from '../privacy/phone-number.ts';

/**
 * What some networks send for a caller who withholds the number: a word spelt on the keypad (anonymous,
 * restricted, unknown, blocked, unavailable, private), with or without a `+` in front. Some of them look like numbers of
 * Lesotho, Russia, China, Uganda or India, so they are known by heart.
 */
const SPELT_WORDS: ReadonlySet<string> = new Set([
  '266696687',
  '7378742833',
  '8656696',
  '2562533',
  '86282452253',
  '7748283',
]);

/**
 * Reads the number of whoever calls or writes, as a provider sends it; null for everything that is no number:
 * words, keypad spellings, SIP addresses, short codes, nothing at all. With `nationalCountry` (ISO 3166-1
 * alpha-2) a number without `+` is read as that country writes it.
 */
export function readCallingNumber(text: string, nationalCountry?: string): PhoneNumber | null {
  const trimmed = text.trim();
  if (SPELT_WORDS.has(trimmed.replace(/^\+/, ''))) return null;
  // Nothing but zeros is no number, though some national plans would take it for a short one.
  if (/^\+?0*$/.test(trimmed)) return null;
  return PhoneNumber.parse(trimmed, nationalCountry);
}
