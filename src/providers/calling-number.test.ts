import { describe, expect, it } from 'vitest';
import { readCallingNumber } from './calling-number.ts';
import { SPELT, WITHHELD_FORMS } from './testing/withheld-forms.ts';

describe('readCallingNumber', () => {
  it.each(WITHHELD_FORMS)('reads no number in %j', (text) => {
    expect(readCallingNumber(text)).toBeNull();
  });

  it.each([...SPELT, ...SPELT.map((digits) => `+${digits}`)])(
    'reads no national number in %j either',
    (text) => {
      for (const country of ['IN', 'GB', 'RU', 'CN', 'LS', 'UG']) {
        expect(readCallingNumber(text, country), country).toBeNull();
      }
    },
  );

  it('covers as many forms as the security targets ask for', () => {
    expect(WITHHELD_FORMS.length).toBeGreaterThanOrEqual(60);
  });

  it('reads a number in international form, and in national form where a country is given', () => {
    expect(readCallingNumber(' +12025550101 ')?.reveal()).toBe('+12025550101');
    expect(readCallingNumber('07700900123')).toBeNull();
    for (const text of ['07700900123', '7700900123', '447700900123', '+447700900123']) {
      expect(readCallingNumber(text, 'GB')?.reveal(), text).toBe('+447700900123');
    }
  });
});
