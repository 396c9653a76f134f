import { type CountryCode, Metadata } from 'libphonenumber-js/max';
import { plainCallingCode } from './numbering-plan.ts';

/** In the order in which libphonenumber asks, after fixed line. */
const TYPES = [
  'MOBILE',
  'PREMIUM_RATE',
  'TOLL_FREE',
  'SHARED_COST',
  'VOIP',
  'PERSONAL_NUMBER',
  'PAGER',
  'UAN',
  'VOICEMAIL',
] as const;

export interface PlainNumber {
  readonly country: string;
  /** as libphonenumber calls it; null where the plan has no such range */
  readonly type: string | null;
}

interface Range {
  readonly type: string;
  readonly lengths: readonly number[];
  readonly pattern: RegExp;
}

interface Country {
  readonly country: CountryCode;
  readonly lengths: readonly number[];
  /** by which a country that shares its calling code is known, whatever its ranges */
  readonly leadingDigits: RegExp | null;
  readonly pattern: RegExp;
  readonly fixedLine: Range | null;
  readonly mobile: Range | null;
  readonly hasMobile: boolean;
  /** mobile among them */
  readonly others: readonly Range[];
}

const plans = new Map<string, readonly Country[]>();

/**
 * What libphonenumber's parser says of a number about which nothing is in doubt, from its own patterns: they are compiled
 * once, where the parser compiles some thirty for each number. Null is no verdict: such a number must be parsed in full.
 * A session needs it for each of its people, and in full it was a third of what the service does for one. A test
 * compares the two.
 */
export function plainNumber(e164: string): PlainNumber | null {
  const callingCode = plainCallingCode(e164);
  if (callingCode === null) return null;
  let countries = plans.get(callingCode);
  if (!countries) {
    countries = readCountries(callingCode);
    plans.set(callingCode, countries);
  }
  const national = e164.slice(1 + callingCode.length);
  const [main] = countries;
  if (!main) return null;
  if (countries.length === 1) return { country: main.country, type: typeIn(main, national) };
  for (const one of countries) {
    if (one.leadingDigits === null) {
      const type = typeIn(one, national);
      if (type !== null) return { country: one.country, type };
    } else if (one.leadingDigits.test(national)) {
      return { country: one.country, type: typeIn(one, national) };
    }
  }
  const possible = countries.find(({ lengths }) => lengths.includes(national.length));
  return possible ? { country: possible.country, type: typeIn(main, national) } : null;
}

function typeIn({ pattern, fixedLine, mobile, hasMobile, others }: Country, national: string): string | null {
  if (!pattern.test(national)) return null;
  if (isIn(fixedLine, national)) {
    return !hasMobile || isIn(mobile, national) ? 'FIXED_LINE_OR_MOBILE' : 'FIXED_LINE';
  }
  return others.find((range) => isIn(range, national))?.type ?? null;
}

function isIn(range: Range | null, national: string): boolean {
  return Boolean(range?.lengths.includes(national.length) && range.pattern.test(national));
}

/** The package's types leave these methods out; its own parser asks them. */
interface Rules {
  leadingDigits(): string | undefined;
  nationalNumberPattern(): string;
  possibleLengths(): number[];
  type(name: string): { pattern(): string; possibleLengths(): number[] | undefined } | undefined;
}

function readCountries(callingCode: string): readonly Country[] {
  const metadata = new Metadata();
  const codes = (
    metadata as unknown as { getCountryCodesForCallingCode(code: string): CountryCode[] }
  ).getCountryCodesForCallingCode(callingCode);
  return codes.map((country) => {
    metadata.selectNumberingPlan(country);
    const rules = metadata.numberingPlan as unknown as Rules;
    const leadingDigits = rules.leadingDigits();
    return {
      country,
      lengths: rules.possibleLengths(),
      leadingDigits: leadingDigits ? new RegExp(`^(?:${leadingDigits})`) : null,
      pattern: whole(rules.nationalNumberPattern()),
      fixedLine: readRange(rules, 'FIXED_LINE'),
      mobile: readRange(rules, 'MOBILE'),
      // Without a pattern of its own for mobile numbers, a plan does not tell the two apart.
      hasMobile: Boolean(rules.type('MOBILE')?.pattern()),
      others: TYPES.flatMap((type) => readRange(rules, type) ?? []),
    };
  });
}

function readRange(rules: Rules, type: string): Range | null {
  const found = rules.type(type);
  const pattern = found?.pattern();
  if (!found || !pattern) return null;
  return { type, lengths: found.possibleLengths() ?? rules.possibleLengths(), pattern: whole(pattern) };
}

function whole(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`);
}
