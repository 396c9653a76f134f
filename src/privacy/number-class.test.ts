import fc from 'fast-check';
import {
  type CountryCode,
  getCountries,
  getCountryCallingCode,
  getExampleNumber,
  Metadata,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/max';
import examples from 'libphonenumber-js/examples.mobile.json' with { type: 'json' };
import { describe, expect, it } from 'vitest';
import { allowsNumber, DESTINATIONS_DEFAULT, SIMULATED_DESTINATIONS } from '../domain/destination.ts';
import { classifyInFull, classifyNumber } from './number-class.ts';
import { PhoneNumber } from './phone-number.ts';

const ALLOWED = ['MOBILE', 'FIXED_LINE'] as const;
const REFUSED = ['PREMIUM_RATE', 'SHARED_COST', 'UAN', 'PAGER', 'VOICEMAIL'] as const;
const OPTIONAL = ['TOLL_FREE', 'VOIP', 'PERSONAL_NUMBER'] as const;
const NUMBERS_OF_A_TYPE = 10;

interface Sample {
  readonly country: string;
  readonly type: string;
  readonly e164: string;
}

const samples = getCountries().flatMap((country) => [
  ...exampleOf(country),
  ...[...ALLOWED, ...REFUSED, ...OPTIONAL].flatMap((type) => numbersOf(country, type)),
]);

describe('destinations, over every country and type of the metadata', () => {
  it('has enough of every kind to say anything', () => {
    const countries = (type: string) =>
      new Set(samples.filter((one) => one.type === type).map((one) => one.country)).size;
    expect(countries('MOBILE')).toBeGreaterThan(200);
    expect(countries('FIXED_LINE')).toBeGreaterThan(200);
    expect(countries('PREMIUM_RATE')).toBeGreaterThan(80);
    expect(samples.length).toBeGreaterThan(5_000);
  });

  it('refuses every number of a type that costs', () => {
    const costly = samples.filter(({ type }) => !ALLOWED.some((allowed) => allowed === type));
    const connected = costly.filter(
      ({ country, e164 }) => !isSubscriber(country, e164) && allows(country, e164),
    );
    expect(connected).toEqual([]);
  });

  it('refuses what costs even where everything that may be allowed is allowed', () => {
    const everything = {
      countries: [],
      destinations: {
        ...SIMULATED_DESTINATIONS,
        types: [...SIMULATED_DESTINATIONS.types, 'voip', 'toll_free', 'personal_number'],
      },
    } as const;
    const costly = samples.filter(({ type }) => REFUSED.some((refused) => refused === type));
    const connected = costly.filter(
      ({ country, e164 }) =>
        ![...ALLOWED, ...OPTIONAL].some((other) => isOf(country, other, e164)) &&
        allowsNumber(everything, classifyNumber(e164)),
    );
    expect(connected).toEqual([]);
  });

  it('connects every subscriber of the countries of the pool', () => {
    const people = samples.filter(({ type }) => ALLOWED.some((allowed) => allowed === type));
    const unambiguous = people.filter(({ country, e164 }) => isUnambiguous(country, e164));
    expect(unambiguous.length).toBeGreaterThan(people.length * 0.75);
    expect(unambiguous.filter(({ country, e164 }) => !allows(country, e164))).toEqual([]);
  });

  it('refuses every subscriber of another country', () => {
    const people = samples.filter(
      ({ type, country, e164 }) => ALLOWED.some((a) => a === type) && isUnambiguous(country, e164),
    );
    const elsewhere = people.filter(({ country, e164 }) => allows(country === 'IN' ? 'BR' : 'IN', e164));
    expect(elsewhere).toEqual([]);
  });

  it.each([
    '+870773111632',
    '+881612345678',
    '+883510012345',
    '+979123456789',
    '+80812345678',
    '+80012345678',
  ])('refuses %s, which is no country’s, wherever anything goes', (e164) => {
    const policy = { countries: [], destinations: SIMULATED_DESTINATIONS };
    expect(allowsNumber(policy, classifyNumber(e164))).toBe(false);
  });

  it.each(['112', '911', '+1911', '+44999', '+112', '+1411', '+4415', '62442'])(
    'does not even read %s as a number',
    (text) => {
      expect(PhoneNumber.parse(text)).toBeNull();
    },
  );
});

describe('classifyNumber', () => {
  it('says what a full parse says, of numbers of every country and type', () => {
    const different = samples.filter(({ e164 }) => classifyNumber(e164) !== classifyInFull(e164));
    expect(different).toEqual([]);
  });

  it('says what a full parse says, of whatever looks like a number', () => {
    const codes = getCountries().map((country) => getCountryCallingCode(country) as string);
    const anyNumber = fc
      .tuple(fc.constantFrom(...codes, '881', '870', '979', ''), fc.stringMatching(/^[0-9]{4,12}$/))
      .map(([code, national]) => `+${code}${national}`);
    fc.assert(
      fc.property(anyNumber, (e164) => {
        expect(classifyNumber(e164)).toBe(classifyInFull(e164));
      }),
      { numRuns: 20_000 },
    );
  });

  it.each([
    ['+12025550123', 'US:fixed_line_or_mobile'],
    ['+14165550123', 'CA:fixed_line_or_mobile'],
    ['+918123456789', 'IN:mobile'],
    ['+442079460123', 'GB:fixed_line'],
    ['+447700900123', 'GB:fiction'],
    ['+441632960123', 'GB:fiction'],
    ['+19005550123', 'US:fiction'],
    ['+19005551234', 'US:premium_rate'],
    ['+911000001234', 'IN:fiction'],
    ['+911000101234', 'IN:unassigned'],
    ['+881612345678', '+881:satellite'],
  ])('%s is %s', (e164, expected) => {
    expect(classifyNumber(e164)).toBe(expected);
  });
});

function allows(country: string, e164: string): boolean {
  return allowsNumber({ countries: [country], destinations: DESTINATIONS_DEFAULT }, classifyNumber(e164));
}

function exampleOf(country: CountryCode): Sample[] {
  const example = getExampleNumber(country, examples);
  return example ? [{ country, type: 'MOBILE', e164: example.number }] : [];
}

/** Made from the pattern of the type, which is what libphonenumber itself goes by. */
function numbersOf(country: CountryCode, type: string): Sample[] {
  const pattern = patternOf(country, type);
  if (!pattern) return [];
  const national = fc
    .stringMatching(new RegExp(`^(?:${pattern})$`))
    .filter((text) => hasLength(country, text));
  return (
    fc
      .sample(national, { numRuns: NUMBERS_OF_A_TYPE, seed: 1 })
      .map((text) => ({ country, type, e164: `+${getCountryCallingCode(country)}${text}` }))
      // Belarus: a leading 8 is read as a trunk prefix that somebody left in, and the rest is another number.
      .filter(({ e164 }) => parsePhoneNumberFromString(e164)?.number === e164)
  );
}

function hasLength(country: CountryCode, national: string): boolean {
  return planOf(country).possibleLengths().includes(national.length);
}

function planOf(country: CountryCode) {
  const metadata = new Metadata();
  metadata.selectNumberingPlan(country);
  if (!metadata.numberingPlan) throw new Error(`There is no plan of ${country}.`);
  return metadata.numberingPlan;
}

/** Not in the package's types, but what its own `getType` asks. */
function patternOf(country: CountryCode, type: string): string | null {
  const plan = planOf(country) as unknown as { type(name: string): { pattern(): string } | undefined };
  return plan.type(type)?.pattern() ?? null;
}

function isOf(country: string, type: string, e164: string): boolean {
  const code = country as CountryCode;
  const pattern = patternOf(code, type);
  const national = e164.slice(1 + getCountryCallingCode(code).length);
  return pattern !== null && new RegExp(`^(?:${pattern})$`).test(national);
}

function isSubscriber(country: string, e164: string): boolean {
  return ALLOWED.some((type) => isOf(country, type, e164));
}

/** Of one country alone, and of no type beside. Some plans give one range to two. */
function isUnambiguous(country: string, e164: string): boolean {
  const twins = getCountries().filter(
    (other) => getCountryCallingCode(other) === getCountryCallingCode(country as CountryCode),
  );
  const others = twins.filter((other) => other !== country);
  if (others.some((other) => [...ALLOWED, ...REFUSED, ...OPTIONAL].some((type) => isOf(other, type, e164))))
    return false;
  return ![...REFUSED, ...OPTIONAL].some((type) => isOf(country, type, e164));
}
