/** What networks and providers send for a caller who withholds the number, and what is no number at all. */
export const SPELT = ['266696687', '7378742833', '8656696', '2562533', '86282452253', '7748283'];
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

/** Every form: none of them may become a caller key, whatever adapter it comes through. */
export const WITHHELD_FORMS: readonly string[] = [
  ...new Set([...SPELT, ...SPELT.map((digits) => `+${digits}`), ...WORDS, ...OTHERS]),
];
