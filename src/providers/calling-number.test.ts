import { describe, expect, it } from 'vitest';
import { readCallingNumber } from './calling-number.ts';

const SPELT = ['266696687', '7378742833', '8656696', '2562533', '86282452253', '7748283'];
const WORDS = [
  'anonymous',
  'Anonymous',
  'ANONYMOUS',
  'restricted',
  'Restricted',
  'unknown',
  'Unknown',
  'blocked',
];
const OTHERS = [
  ...[
    'unavailable',
    'private',
    'Private number',
    'withheld',
    'out of area',
    'ID withheld',
    'asserted-anonymous',
    'null',
    'undefined',
    'NaN',
  ],
  ...['', ' ', '+', '++', '-', '0', '+0', '000000000', '0000000000', '+0000000000', '+00000000000'],
  ...['anonymous@anonymous.invalid', 'sip:anonymous@anonymous.invalid', 'sip:+12025550101@example.com'],
  ...[
    'sips:driver@example.com',
    'client:alice',
    'whatsapp:+12025550101',
    'tel:+12025550101',
    '<+12025550101>',
  ],
  ...['112', '911', '+112', '12345', '+12345', '555123', '+1202555010a', '1-800-FLOWERS', '+1 202 CALL NOW'],
  ...[
    '+12025550101,+12025550102',
    '+12025550101;ext=9',
    '+12025550101 x9',
    '\u0661\u0662\u0663',
    '+1\u00a02025550101',
  ],
];

describe('readCallingNumber', () => {
  it.each([...SPELT, ...SPELT.map((digits) => `+${digits}`), ...WORDS, ...OTHERS])(
    'reads no number in %j',
    (text) => {
      expect(readCallingNumber(text)).toBeNull();
    },
  );

  it.each([...SPELT, ...SPELT.map((digits) => `+${digits}`)])(
    'reads no national number in %j either',
    (text) => {
      for (const country of ['IN', 'GB', 'RU', 'CN', 'LS', 'UG']) {
        expect(readCallingNumber(text, country), country).toBeNull();
      }
    },
  );

  it('covers as many forms as the security targets ask for', () => {
    expect(
      new Set([...SPELT, ...SPELT.map((digits) => `+${digits}`), ...WORDS, ...OTHERS]).size,
    ).toBeGreaterThanOrEqual(60);
  });

  it('reads a number in international form, and in national form where a country is given', () => {
    expect(readCallingNumber(' +12025550101 ')?.reveal()).toBe('+12025550101');
    expect(readCallingNumber('07700900123')).toBeNull();
    for (const text of ['07700900123', '7700900123', '447700900123', '+447700900123']) {
      expect(readCallingNumber(text, 'GB')?.reveal(), text).toBe('+447700900123');
    }
  });
});
