import { getCountries, getCountryCallingCode, Metadata } from 'libphonenumber-js/max';

const CALLING_CODE_DIGITS_MAXIMUM = 3;

/** Calling code → how many digits a number under it can have after the code, by the plan of its main country. */
let possibleLengths: ReadonlyMap<string, ReadonlySet<number>> | null = null;

/**
 * The calling code of a plain E.164 number, when nothing about the number is in doubt: its length is one that the
 * plan knows, and it has no leading zero, which in most countries is a trunk prefix that somebody left in. Null
 * is no verdict: such a number must be parsed in full.
 *
 * It is here because a call needs it twice, for the number that calls and for the one that was sealed, and a
 * full parse costs some thirty microseconds. A test compares the two.
 */
export function plainCallingCode(e164: string): string | null {
  possibleLengths ??= readPlans();
  for (let digits = 1; digits <= CALLING_CODE_DIGITS_MAXIMUM; digits++) {
    const callingCode = e164.slice(1, 1 + digits);
    const lengths = possibleLengths.get(callingCode);
    // No calling code is the beginning of another, so the first that fits is the one.
    if (!lengths) continue;
    const national = e164.slice(1 + digits);
    return lengths.has(national.length) && !national.startsWith('0') ? callingCode : null;
  }
  return null;
}

function readPlans(): ReadonlyMap<string, ReadonlySet<number>> {
  const plans = new Map<string, ReadonlySet<number>>();
  const metadata = new Metadata();
  for (const country of getCountries()) {
    const callingCode = String(getCountryCallingCode(country));
    if (plans.has(callingCode)) continue;
    // The type knows countries only; the method takes a calling code for the country that leads its plan.
    metadata.selectNumberingPlan(callingCode as never);
    plans.set(callingCode, new Set(metadata.numberingPlan?.possibleLengths() ?? []));
  }
  return plans;
}
