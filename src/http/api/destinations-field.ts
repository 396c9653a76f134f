import { type Static, Type } from 'typebox';
import {
  ALLOWABLE_NUMBER_TYPES,
  ANY_COUNTRY,
  DESTINATIONS_DEFAULT,
  type DestinationRule,
} from '../../domain/destination.ts';
import type { DeepReadonly } from '../operation.ts';
import { nullable, oneOf, strict } from './fields.ts';

const COUNTRIES_MAXIMUM = 250;
const PAIRS_MAXIMUM = 500;

const CountryOrAny = Type.String({
  pattern: `^([A-Z]{2}|\\${ANY_COUNTRY})$`,
  description: 'ISO 3166-1 alpha-2, or `*` for any.',
  examples: ['US'],
});

const Countries = Type.Array(CountryOrAny, {
  maxItems: COUNTRIES_MAXIMUM,
  uniqueItems: true,
  description: 'Countries that real numbers may be of. Null, which is the default: `countries` of the pool.',
});

const NumberTypes = Type.Array(oneOf(ALLOWABLE_NUMBER_TYPES), {
  minItems: 1,
  uniqueItems: true,
  default: [...DESTINATIONS_DEFAULT.types],
  description:
    'Types of numbers. Premium rate, shared cost, satellite, company numbers (UAN), pagers and voicemail are never connected; `unassigned` is a range that our metadata do not know, `fiction` one that is kept for films and tests.',
});

const Pairs = Type.Array(
  Type.Object({ calling: CountryOrAny, called: CountryOrAny, virtualNumber: CountryOrAny }, strict),
  {
    maxItems: PAIRS_MAXIMUM,
    description:
      'Which countries are connected with which, over virtual numbers of which. Null, which is the default: all that the other two allow.',
  },
);

/** Replaces the whole rule: what is left out is as it is by default. */
export const DestinationsField = Type.Object(
  {
    countries: Type.Optional(nullable(Countries)),
    types: Type.Optional(NumberTypes),
    pairs: Type.Optional(nullable(Pairs)),
  },
  {
    ...strict,
    description:
      'Which real numbers may take part, checked when they come in and again when a call or text routes. What is not named is refused. The rule is replaced as a whole, and holds for calls within a second.',
  },
);

export const DestinationsAnswer = Type.Object({
  countries: nullable(Type.Array(Type.String())),
  types: Type.Array(oneOf(ALLOWABLE_NUMBER_TYPES)),
  pairs: nullable(
    Type.Array(Type.Object({ calling: Type.String(), called: Type.String(), virtualNumber: Type.String() })),
  ),
});

/** Undefined when nothing was sent. */
export function toDestinations(
  field: DeepReadonly<Static<typeof DestinationsField>> | undefined,
): DestinationRule | undefined {
  if (field === undefined) return undefined;
  const { countries = null, types = DESTINATIONS_DEFAULT.types, pairs = null } = field;
  return { countries, types, pairs };
}
