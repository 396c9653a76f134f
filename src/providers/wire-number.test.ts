import { describe, expect, it } from 'vitest';
import { toCalledNumber, toCallingNumber, withoutPlus } from './wire-number.ts';

describe('numbers on the wire', () => {
  it.each([
    ['+12025550101', 'e164', '+12025550101'],
    ['12025550101', 'e164', null],
    ['12025550101', 'digits', '+12025550101'],
    ['+12025550101', 'digits', '+12025550101'],
    ['447700900123', 'digits', '+447700900123'],
    ['02025550101', 'digits', null],
    ['0012025550101', 'digits', null],
    ['1234567', 'digits', null],
    ['+1234567', 'e164', null],
    ['266696687', 'digits', null],
    ['+266696687', 'e164', null],
    ['anonymous', 'digits', null],
    ['', 'digits', null],
    [null, 'digits', null],
    ['1 202 555 0101', 'digits', null],
    ['1202555010112025', 'digits', null],
  ] as const)('reads the caller %s written as %s', (text, form, e164) => {
    expect(toCallingNumber(text, form)?.reveal() ?? null).toBe(e164);
  });

  it('reads the number dialled, short ones too, and writes both without a plus sign', () => {
    expect(toCalledNumber('12155550150', 'digits')).toBe('+12155550150');
    expect(toCalledNumber('12155550150', 'e164')).toBeNull();
    expect(toCalledNumber('2901234', 'digits')).toBe('+2901234');
    expect(toCalledNumber('front desk', 'digits')).toBeNull();
    expect(withoutPlus('+12155550150')).toBe('12155550150');
  });
});
