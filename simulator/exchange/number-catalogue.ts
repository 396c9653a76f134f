import { NUMBER_RANGES, type NumberRange } from './number-ranges.ts';

/** A range and the place of its first number in the catalogue of its country. */
interface PlacedRange extends NumberRange {
  readonly start: number;
}

export interface CatalogueEntry {
  readonly country: string;
  /** 0 is the first number that the country offers */
  readonly place: number;
}

/**
 * Every number that can be sold, by place and by number. Nothing is listed in memory: a number is computed
 * from its place, and a place from its number.
 */
export class NumberCatalogue {
  readonly #byCountry = new Map<string, PlacedRange[]>();
  readonly #byPrefix = new Map<string, PlacedRange>();
  readonly #prefixLengths: readonly number[];

  constructor(ranges: readonly NumberRange[] = NUMBER_RANGES) {
    for (const range of ranges) {
      const placed = { ...range, start: this.size(range.country) };
      const sameCountry = this.#byCountry.get(range.country);
      if (sameCountry) sameCountry.push(placed);
      else this.#byCountry.set(range.country, [placed]);
      this.#byPrefix.set(range.prefix, placed);
    }
    this.#prefixLengths = [...new Set(ranges.map((range) => range.prefix.length))];
  }

  /** In the order in which they are searched when none is asked for. */
  get countries(): readonly string[] {
    return [...this.#byCountry.keys()];
  }

  /** How many numbers the country has in all, sold or not. */
  size(country: string): number {
    const last = this.#byCountry.get(country)?.at(-1);
    return last ? last.start + last.count : 0;
  }

  at(country: string, place: number): string | null {
    const ranges = this.#byCountry.get(country) ?? [];
    let low = 0;
    let high = ranges.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const range = ranges[middle];
      if (!range) break;
      if (place < range.start) high = middle - 1;
      else if (place >= range.start + range.count) low = middle + 1;
      else {
        const suffix = String(range.firstSuffix + place - range.start);
        return range.prefix + suffix.padStart(range.suffixDigits, '0');
      }
    }
    return null;
  }

  find(virtualNumber: string): CatalogueEntry | null {
    for (const length of this.#prefixLengths) {
      const range = this.#byPrefix.get(virtualNumber.slice(0, length));
      if (!range || virtualNumber.length !== length + range.suffixDigits) continue;
      const suffix = virtualNumber.slice(length);
      const offset = /^[0-9]+$/.test(suffix) ? Number(suffix) - range.firstSuffix : -1;
      if (offset >= 0 && offset < range.count) {
        return { country: range.country, place: range.start + offset };
      }
    }
    return null;
  }
}
