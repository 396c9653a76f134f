import { ANY_COUNTRY, type DestinationPolicy } from '../domain/destination.ts';
import { MasklineError } from '../domain/errors.ts';
import { isKnownCountry } from '../privacy/known-country.ts';

/**
 * A country that nobody has a number of is a slip, such as UK for GB. Accepted, it would buy nothing and connect nobody, and
 * say so only when somebody is in need of it. @throws MasklineError MASK_INVALID_REQUEST
 */
export function checkCountries({ countries, destinations }: Partial<DestinationPolicy>): void {
  const named = [
    ...(countries ?? []),
    ...(destinations?.countries ?? []),
    ...(destinations?.pairs ?? []).flatMap(({ calling, called, virtualNumber }) => [
      calling,
      called,
      virtualNumber,
    ]),
  ];
  const unknown = named.find((country) => country !== ANY_COUNTRY && !isKnownCountry(country));
  if (unknown === undefined) return;
  throw new MasklineError(
    'MASK_INVALID_REQUEST',
    `There are no phone numbers of a country "${unknown}". Give ISO 3166-1 alpha-2: the United Kingdom is GB.`,
  );
}
