/** What a rule may allow. `fixed_line_or_mobile`, where a plan cannot tell, goes with either of the two. */
export const ALLOWABLE_NUMBER_TYPES = [
  'mobile',
  'fixed_line',
  'voip',
  'personal_number',
  'toll_free',
  // Ranges that a regulator keeps free for films and tests.
  'fiction',
  // A length that the plan knows, in a range that it has not given out as far as our metadata know.
  'unassigned',
] as const;
export type AllowableNumberType = (typeof ALLOWABLE_NUMBER_TYPES)[number];

/** `satellite` is every number of a calling code that is no country's: satellite networks, global premium and shared cost. */
export type NumberType =
  | AllowableNumberType
  | 'fixed_line_or_mobile'
  | 'premium_rate'
  | 'shared_cost'
  | 'uan'
  | 'pager'
  | 'voicemail'
  | 'satellite';

/** Country (ISO 3166-1 alpha-2) and type of a number, such as `US:mobile`: what a call to it costs, and nobody's identity. */
export type NumberClass = `${string}:${NumberType}`;

export interface CountryPair {
  /** ISO 3166-1 alpha-2, or `*` for any */
  readonly calling: string;
  readonly called: string;
  /** of the virtual number that is shown to the callee */
  readonly virtualNumber: string;
}

/** Which real numbers a pool connects to. What is not named is refused. */
export interface DestinationRule {
  /** ISO 3166-1 alpha-2, or `*` for every country; null: the countries of the pool */
  readonly countries: readonly string[] | null;
  readonly types: readonly AllowableNumberType[];
  /** null: whatever the countries allow, from anywhere */
  readonly pairs: readonly CountryPair[] | null;
}

export const ANY_COUNTRY = '*';
/** Where numbers are bought, and so where people are, when a pool names no country. */
export const COUNTRY_DEFAULT = 'US';

/** What a pool connects to when it says nothing. */
export const DESTINATIONS_DEFAULT: DestinationRule = {
  countries: null,
  types: ['mobile', 'fixed_line'],
  pairs: null,
};

/** The same where the operator is a simulator: nobody is charged there, and nobody has a number of the world. */
export const SIMULATED_DESTINATIONS: DestinationRule = {
  countries: [ANY_COUNTRY],
  types: ['mobile', 'fixed_line', 'fiction', 'unassigned'],
  pairs: null,
};

export interface DestinationPolicy {
  readonly countries: readonly string[];
  readonly destinations: DestinationRule;
}

/** Whether a person with such a number may be called at all, whoever calls. */
export function allowsNumber(policy: DestinationPolicy, called: NumberClass): boolean {
  const { country, type } = readClass(called);
  return allowsType(policy.destinations.types, type) && allowsCountry(policy, country);
}

/** Whether this caller may be connected with this callee. A virtual number of null is one that is not chosen yet. */
export function allowsPair(
  { destinations }: Pick<DestinationPolicy, 'destinations'>,
  pair: {
    readonly calling: NumberClass;
    readonly called: NumberClass;
    readonly virtualNumberCountry: string | null;
  },
): boolean {
  if (destinations.pairs === null) return true;
  const calling = readClass(pair.calling).country;
  const called = readClass(pair.called).country;
  return destinations.pairs.some(
    (allowed) =>
      covers(allowed.calling, calling) &&
      covers(allowed.called, called) &&
      (pair.virtualNumberCountry === null || covers(allowed.virtualNumber, pair.virtualNumberCountry)),
  );
}

function covers(allowed: string, country: string): boolean {
  return allowed === ANY_COUNTRY || allowed === country;
}

function allowsType(types: readonly AllowableNumberType[], type: NumberType): boolean {
  if (type === 'fixed_line_or_mobile') return types.includes('mobile') || types.includes('fixed_line');
  return types.some((allowed) => allowed === type);
}

function allowsCountry({ countries, destinations }: DestinationPolicy, country: string): boolean {
  const allowed = destinations.countries ?? (countries.length > 0 ? countries : [COUNTRY_DEFAULT]);
  return allowed.some((one) => covers(one, country));
}

function readClass(numberClass: NumberClass): { country: string; type: NumberType } {
  const [country = '', type = 'satellite'] = numberClass.split(':');
  return { country, type: type as NumberType };
}
