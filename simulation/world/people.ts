import { PhoneNumber } from '../../src/privacy/phone-number.ts';

/** Every person has a main phone and a second one: phone n and n + SECOND belong to one person. */
export const SECOND = 50;
const PREFIX = '+447700900';

/** A number reserved for fiction (Ofcom): +44 7700 900000 to 900999. */
export function phoneText(phone: number): string {
  return `${PREFIX}${String(phone).padStart(3, '0')}`;
}

export function phoneNumber(phone: number): PhoneNumber {
  const number = PhoneNumber.parse(phoneText(phone));
  if (!number) throw new Error(`There is no phone ${phone}.`);
  return number;
}

/** Which phone has this number, or null. */
export function phoneOf(text: string): number | null {
  return text.startsWith(PREFIX) ? Number(text.slice(PREFIX.length)) : null;
}

export function userIdOf(person: number): string {
  return `user-${person}`;
}

export function personOfUser(userId: string): number {
  return Number(userId.slice('user-'.length));
}

/** Whether a text holds anybody's number. What is looked for is said nowhere else in a run. */
export function mentionsSomebody(text: string): boolean {
  return /7700900\d{3}/.test(text);
}
