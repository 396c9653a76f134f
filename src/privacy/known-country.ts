import { isSupportedCountry } from 'libphonenumber-js/max';

/** Whether there are numbers of this country (ISO 3166-1 alpha-2, in capitals). The United Kingdom is GB, not UK. */
export function isKnownCountry(country: string): boolean {
  return isSupportedCountry(country);
}
