import { createHash } from 'node:crypto';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';

/** A form in which a number could have been left behind. */
export interface Encoding {
  readonly name: string;
  encode(e164: string): readonly Uint8Array[];
}

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
const digitsOf = (e164: string): string => e164.slice(1);

function formatted(e164: string, separator: string): string[] {
  const parsed = parsePhoneNumberFromString(e164);
  if (!parsed) throw new Error('A canary must be a number.');
  return [parsed.formatInternational(), parsed.formatNational()].map((text) =>
    text.replaceAll(/[ -]/g, separator),
  );
}

function national(e164: string): string {
  const parsed = parsePhoneNumberFromString(e164);
  if (!parsed) throw new Error('A canary must be a number.');
  return parsed.nationalNumber;
}

/** What of the base64 of a longer text does not depend on what stands around the number. */
function base64Core(text: string, offset: number): Buffer {
  const encoded = Buffer.from(`${'\0'.repeat(offset)}${text}`, 'latin1')
    .toString('base64')
    .replace(/=+$/, '');
  const from = Math.ceil((offset * 8) / 6);
  const wholeBits = (offset + text.length) * 8;
  return ascii(encoded.slice(from, Math.floor(wholeBits / 6)));
}

function digests(e164: string): Buffer[] {
  return [e164, digitsOf(e164), national(e164)].flatMap((text) =>
    ['md5', 'sha1', 'sha256'].map((algorithm) => createHash(algorithm).update(text).digest()),
  );
}

/** The fourteen encodings of SEC-30. A number without `+` also finds the one with it, and the national one both. */
export const ENCODINGS: readonly Encoding[] = [
  { name: 'E.164', encode: (n) => [ascii(n)] },
  { name: 'without plus', encode: (n) => [ascii(digitsOf(n))] },
  { name: 'national', encode: (n) => [ascii(national(n))] },
  { name: 'spaced', encode: (n) => formatted(n, ' ').map(ascii) },
  { name: 'dashed', encode: (n) => formatted(n, '-').map(ascii) },
  { name: 'percent-encoded', encode: (n) => [ascii(`%2B${digitsOf(n)}`), ascii(`%2b${digitsOf(n)}`)] },
  { name: 'JSON-escaped', encode: (n) => [ascii(`\\u002b${digitsOf(n)}`), ascii(`\\u002B${digitsOf(n)}`)] },
  {
    name: 'UTF-16',
    encode: (n) => {
      const little = Buffer.from(national(n), 'utf16le');
      return [little, Buffer.from(little).swap16()];
    },
  },
  {
    name: 'base64',
    encode: (n) => [n, digitsOf(n)].flatMap((text) => [0, 1, 2].map((offset) => base64Core(text, offset))),
  },
  {
    name: 'hexadecimal',
    encode: (n) => {
      const hex = ascii(national(n)).toString('hex');
      return [ascii(hex), ascii(hex.toUpperCase())];
    },
  },
  { name: 'reversed', encode: (n) => [ascii([...national(n)].reverse().join(''))] },
  { name: 'unsalted digest, raw', encode: digests },
  { name: 'unsalted digest, hexadecimal', encode: (n) => digests(n).map((d) => ascii(d.toString('hex'))) },
  {
    name: 'unsalted digest, base64',
    encode: (n) => digests(n).map((d) => ascii(d.toString('base64').replace(/=+$/, ''))),
  },
];
