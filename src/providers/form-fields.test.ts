import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf8, readFormFields, singleField } from './form-fields.ts';

describe('readFormFields', () => {
  it('keeps every value of every name', () => {
    const fields = readFormFields('a=1&b=%2B2+3&a=%F0%9F%9A%AA&c');
    expect(fields && [...fields]).toEqual([
      ['a', ['1', '🚪']],
      ['b', ['+2 3']],
      ['c', ['']],
    ]);
  });

  it('tells a question mark in front from none', () => {
    expect(readFormFields('?a=1')?.get('a')).toBeUndefined();
    expect(readFormFields('?a=1')?.get('?a')).toEqual(['1']);
  });

  it('reads whatever it is given as the URL standard does', () => {
    const pieces = fc.constantFrom(
      ...[
        'a',
        'From',
        '=',
        '=',
        '&',
        '&',
        '?',
        '+',
        '%',
        '%2',
        '%2B',
        '%20',
        '%zz',
        '%c3',
        '%c3%bc',
        '%ef%bb%bf',
      ],
      ...['%ed%a0%80', '\ud800', '\udc00', 'ü', '🚪', ';', '#', '\u0000', '%00', '__proto__'],
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 24 }), (parts) => {
        const text = parts.join('');
        const expected = new Map<string, string[]>();
        for (const [name, value] of new URLSearchParams(text.startsWith('?') ? `?${text}` : text)) {
          expected.set(name, [...(expected.get(name) ?? []), value]);
        }
        expect([...(readFormFields(text) ?? [])]).toEqual([...expected]);
      }),
      { numRuns: 3_000 },
    );
  });

  it('reads no more fields than a webhook has', () => {
    expect(readFormFields('a=1&'.repeat(200))?.get('a')).toHaveLength(200);
    expect(readFormFields('a=1&'.repeat(201))).toBeNull();
  });
});

describe('singleField', () => {
  const fields = readFormFields('From=1&To=2&To=3') ?? new Map();

  it('gives the only value, null for none, and refuses two', () => {
    expect(singleField(fields, 'From')).toBe('1');
    expect(singleField(fields, 'Body')).toBeNull();
    expect(() => singleField(fields, 'To')).toThrow(expect.objectContaining({ code: 'malformed' }));
  });
});

describe('decodeUtf8', () => {
  it('neither hides a byte order mark nor repairs what is no UTF-8', () => {
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41))).toBe('\ufeffA');
    expect(decodeUtf8(Uint8Array.of(0xff, 0x41))).toBeNull();
  });
});
