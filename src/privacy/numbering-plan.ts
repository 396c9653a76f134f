import { getCountries, getCountryCallingCode, Metadata } from 'libphonenumber-js/max';

const CALLING_CODE_DIGITS_MAXIMUM = 3;

interface Plan {
  /** how many digits a number can have after the calling code, in every country that shares it */
  readonly lengths: ReadonlySet<number>;
  /** what a full parse would take for a trunk prefix or a carrier code in front of a number, in any of them */
  readonly prefixes: readonly RegExp[];
}

let plans: ReadonlyMap<string, Plan> | null = null;

/**
 * The calling code of a plain E.164 number, when nothing about the number is in doubt: its length is one that the
 * plan knows, and it does not begin like a trunk prefix that somebody left in. Null is no verdict: such a number
 * must be parsed in full.
 *
 * It is here because a call needs it twice, for the number that calls and for the one that was sealed, and a
 * full parse costs some thirty microseconds. A test compares the two.
 */
export function plainCallingCode(e164: string): string | null {
  plans ??= readPlans();
  for (let digits = 1; digits <= CALLING_CODE_DIGITS_MAXIMUM; digits++) {
    const callingCode = e164.slice(1, 1 + digits);
    const plan = plans.get(callingCode);
    // No calling code is the beginning of another, so the first that fits is the one.
    if (!plan) continue;
    const national = e164.slice(1 + digits);
    if (national.startsWith('0') || !plan.lengths.has(national.length)) return null;
    return plan.prefixes.some((prefix) => prefix.test(national)) ? null : callingCode;
  }
  return null;
}

function readPlans(): ReadonlyMap<string, Plan> {
  const found = new Map<string, { lengths: Set<number>; prefixes: RegExp[] }>();
  const metadata = new Metadata();
  for (const country of getCountries()) {
    metadata.selectNumberingPlan(country);
    const rules = metadata.numberingPlan;
    const lengths = new Set(rules?.possibleLengths() ?? []);
    const callingCode = String(getCountryCallingCode(country));
    const plan = found.get(callingCode) ?? { lengths, prefixes: [] };
    plan.lengths = plan.lengths.intersection(lengths);
    const prefix = rules && 'nationalPrefixForParsing' in rules ? readPrefix(rules) : null;
    if (prefix) plan.prefixes.push(prefix);
    found.set(callingCode, plan);
  }
  return found;
}

/** The package's types leave this method out; its metadata and its own parser have it. */
function readPrefix(rules: object): RegExp | null {
  const { nationalPrefixForParsing } = rules as { nationalPrefixForParsing?: () => string | undefined };
  const pattern = nationalPrefixForParsing?.call(rules);
  return pattern ? new RegExp(`^(?:${pattern})`) : null;
}
