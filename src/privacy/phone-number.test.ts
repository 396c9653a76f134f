import { inspect } from 'node:util';
import fc from 'fast-check';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { describe, expect, it } from 'vitest';
import { plainCallingCode } from './numbering-plan.ts';
import { PhoneNumber } from './phone-number.ts';

const known = '+447700900123';

describe('PhoneNumber', () => {
  it.each([
    ['+44 7700 900123', undefined, known],
    ['+44-(7700)-900.123', undefined, known],
    ['07700 900123', 'GB', known],
    ['+390612345678', undefined, '+390612345678'],
  ])('reads %s', (text, country, e164) => {
    expect(PhoneNumber.parse(text, country)?.reveal()).toBe(e164);
  });

  it.each([
    'hello',
    '',
    '+',
    '+44',
    '12345',
    '07700900123',
    '+0447700900123',
    '+999999999999',
    '+1555',
    'anonymous',
    'sip:+447700900123@example.com',
    '+44 7700 900123 ext 5',
    '+44 PIZZA HUT',
    `+${'4'.repeat(40)}`,
    7_700_900_123,
    null,
    undefined,
    { toString: () => known },
  ])('takes %j for no number', (text) => {
    expect(PhoneNumber.parse(text)).toBeNull();
  });

  it('cannot print itself, however it is turned into text', () => {
    const number = PhoneNumber.parse(known);
    const nested = { who: number, list: [number], map: new Map([['a', number]]) };
    const texts = [
      String(number),
      `${number}`,
      JSON.stringify(nested),
      inspect(nested, { depth: 9, showHidden: true }),
      inspect(number, { showHidden: true, getters: true }),
      JSON.stringify(Object.entries(number ?? {})),
      JSON.stringify(structuredClone({ ...number })),
      String(new Error(`about ${number}`).stack),
    ];
    for (const text of texts) expect(text).not.toContain('7700900');
    expect(String(number)).toBe('+44••••••0123');
  });

  it('says of a plain number at once only what a full parse says of it', () => {
    const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 6, maxLength: 14 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), digits, (first, rest) => {
        const text = `+${first}${rest.join('')}`;
        const callingCode = plainCallingCode(text);
        if (callingCode === null) return;
        const parsed = parsePhoneNumberFromString(text, { extract: false });
        expect(parsed?.isPossible(), text).toBe(true);
        expect(parsed?.number).toBe(text);
        expect(parsed?.countryCallingCode).toBe(callingCode);
      }),
      { numRuns: 20_000 },
    );
    expect(plainCallingCode(known)).toBe('44');
  });
});
