import { parsePhoneNumberFromString } from 'libphonenumber-js/max';

const VISIBLE_DIGITS = 4;

/** Reads international text such as `+1 202 555 0123` as E.164; null for anything that is no possible number. */
export function parseRealNumber(text: string): string | null {
  // The parser reads vanity letters and extensions as digits; a number that somebody meant has neither.
  if (!/^\+[0-9][0-9 ().-]*$/.test(text)) return null;
  const parsed = parsePhoneNumberFromString(text, { extract: false });
  return parsed?.isPossible() ? parsed.number : null;
}

/** `+1••••••0123`: country code and last four digits, the only form in which a real number may be shown. */
export function maskRealNumber(e164: string): string {
  const callingCode = parsePhoneNumberFromString(e164)?.countryCallingCode ?? '';
  return `+${callingCode}••••••${e164.slice(-VISIBLE_DIGITS)}`;
}
