import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { describe, expect, it } from 'vitest';
import { NumberCatalogue } from './number-catalogue.ts';
import { NUMBER_RANGES } from './number-ranges.ts';

const catalogue = new NumberCatalogue();

describe('NumberCatalogue', () => {
  it('offers about 33,000 numbers in the United States and tens of thousands elsewhere', () => {
    expect(catalogue.countries).toEqual(['US', 'GB', 'FR', 'DE', 'IN']);
    expect(catalogue.countries.map((country) => catalogue.size(country))).toEqual([
      33_300, 14_000, 50_000, 5_000, 10_000,
    ]);
  });

  it('finds every number at the place where it stands, and has none twice', () => {
    const seen = new Set<string>();
    for (const country of catalogue.countries) {
      for (let place = 0; place < catalogue.size(country); place++) {
        const found = catalogue.at(country, place);
        if (found === null || seen.has(found)) throw new Error(`${country} ${place}: ${found}`);
        seen.add(found);
        const entry = catalogue.find(found);
        if (entry?.country !== country || entry.place !== place) throw new Error(`${found} is elsewhere`);
      }
      expect(catalogue.at(country, catalogue.size(country))).toBeNull();
      expect(catalogue.at(country, -1)).toBeNull();
    }
    expect(seen.size).toBe(112_300);
  });

  it('has only numbers that the numbering plan of their country knows, in every range', () => {
    for (const range of NUMBER_RANGES) {
      const place = catalogue.find(
        range.prefix + String(range.firstSuffix).padStart(range.suffixDigits, '0'),
      );
      const first = catalogue.at(range.country, place?.place ?? -1) ?? '';
      const last = catalogue.at(range.country, (place?.place ?? -1) + range.count - 1) ?? '';
      for (const edge of [first, last]) {
        expect(edge.startsWith(range.prefix)).toBe(true);
        expect(parsePhoneNumberFromString(edge)?.country, edge).toBe(range.country);
        // India keeps no range for fiction; there the form is right and the area code is nobody's.
        expect(parsePhoneNumberFromString(edge)?.isPossible(), edge).toBe(true);
        expect(parsePhoneNumberFromString(edge)?.isValid(), edge).toBe(range.country !== 'IN');
      }
    }
  });

  it('sells nothing outside the ranges kept for fiction', () => {
    for (const other of [
      '+19075550099',
      '+19075550200',
      '+19075551100',
      '+190755501000',
      '+1907555010',
      '+19075550 10',
      '+442079460000',
      '+447700900123',
      '+919876543210',
      '+12025550123',
      '',
    ]) {
      expect(catalogue.find(other), other).toBeNull();
    }
  });
});
