import { PhoneNumber } from '../../privacy/phone-number.ts';
import { type Issue, RequestError } from '../problem.ts';

/** Reads the numbers of a body at once, so that one answer names all that are wrong. @throws RequestError */
export function readRealNumbers<T>(
  items: readonly T[],
  textOf: (item: T) => string,
  pathOf: (index: number) => string,
): PhoneNumber[] {
  const issues: Issue[] = [];
  const numbers: PhoneNumber[] = [];
  items.forEach((item, index) => {
    const realNumber = PhoneNumber.parse(textOf(item));
    if (realNumber) numbers.push(realNumber);
    else issues.push({ path: pathOf(index), message: 'is not a valid phone number in E.164 with `+`' });
  });
  if (issues.length > 0) {
    throw new RequestError(
      'MASK_INVALID_NUMBER',
      'Send E.164: `+`, the country code, the number, and nothing else.',
      issues,
    );
  }
  return numbers;
}
