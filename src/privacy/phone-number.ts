import { inspect } from 'node:util';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { NumberClass } from '../domain/destination.ts';
import { classifyNumber } from './number-class.ts';
import { plainCallingCode } from './numbering-plan.ts';

/** Longest text that is looked at; E.164 has 16 characters, the rest is room for spaces and dashes. */
const TEXT_LENGTH_MAXIMUM = 32;
const VISIBLE_DIGITS = 4;
const PLAIN_E164 = /^\+[1-9][0-9]{6,14}$/;

/**
 * A person's own number. It cannot print itself: every way in which a value turns into text (`String()`,
 * templates, JSON, `console.log`, a debugger's preview) shows `+91••••••3210`. The only way to the digits is
 * `reveal()`, whose callers are few and easy to list: sealing, the caller key, and the answer to a provider.
 */
export class PhoneNumber {
  readonly #e164: string;
  readonly #callingCode: string;

  private constructor(e164: string, callingCode: string) {
    this.#e164 = e164;
    this.#callingCode = callingCode;
  }

  /**
   * Reads international text (`+91 98765 43210`), or national text when a country is given. Returns null for
   * anything that is no possible number: words, withheld callers, short codes, extensions.
   */
  static parse(text: unknown, nationalCountry?: string): PhoneNumber | null {
    if (typeof text !== 'string' || text.length > TEXT_LENGTH_MAXIMUM) return null;
    if (nationalCountry === undefined && PLAIN_E164.test(text)) {
      const callingCode = plainCallingCode(text);
      if (callingCode !== null) return new PhoneNumber(text, callingCode);
    }
    // The parser reads vanity letters and extensions as digits; a number that somebody meant has neither.
    if (!/^\+?[0-9][0-9 ().-]*$/.test(text)) return null;
    if (nationalCountry === undefined && !text.startsWith('+')) return null;
    const options = nationalCountry === undefined ? {} : { defaultCountry: nationalCountry as 'US' };
    const parsed = parsePhoneNumberFromString(text, { ...options, extract: false });
    if (!parsed?.isPossible()) return null;
    return new PhoneNumber(parsed.number, parsed.countryCallingCode);
  }

  /** E.164 with `+`. Whoever calls this answers for where the text goes. */
  reveal(): string {
    return this.#e164;
  }

  /** ISO 3166-1 alpha-2 where the numbering plan tells, else null. Personal data only together with the rest. */
  get country(): string | null {
    return parsePhoneNumberFromString(this.#e164)?.country ?? null;
  }

  /** Country and type, as destinations are allowed by. */
  get numberClass(): NumberClass {
    return classifyNumber(this.#e164);
  }

  /** Country code and last four digits, as the API shows it. */
  get masked(): string {
    return `+${this.#callingCode}••••••${this.#e164.slice(-VISIBLE_DIGITS)}`;
  }

  equals(other: PhoneNumber): boolean {
    return this.#e164 === other.#e164;
  }

  /** Whether it is one of these virtual numbers. */
  isAnyOf(virtualNumbers: readonly string[]): boolean {
    return virtualNumbers.includes(this.#e164);
  }

  toString(): string {
    return this.masked;
  }

  toJSON(): string {
    return this.masked;
  }

  [inspect.custom](): string {
    return `PhoneNumber(${this.masked})`;
  }
}
