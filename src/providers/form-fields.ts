import { ProviderError } from './provider.ts';

/** More fields than this are no webhook: the longest that is known has about sixty. */
const FIELDS_MAXIMUM = 200;

/** The fields of a form or a query, decoded, with every value that a name was given. */
export type FormFields = ReadonlyMap<string, readonly string[]>;

/** Reads `application/x-www-form-urlencoded` text; null when it holds more fields than any webhook. */
export function readFormFields(text: string): FormFields | null {
  const pieces = text.split('&', FIELDS_MAXIMUM + 1);
  if (pieces.length > FIELDS_MAXIMUM) return readByTheBook(text);
  const fields = new Map<string, string[]>();
  for (const piece of pieces) {
    if (piece === '') continue;
    const equals = piece.indexOf('=');
    const name = decode(equals < 0 ? piece : piece.slice(0, equals));
    const value = equals < 0 ? '' : decode(piece.slice(equals + 1));
    if (name === null || value === null) return readByTheBook(text);
    const values = fields.get(name);
    if (values) values.push(value);
    else fields.set(name, [value]);
  }
  return fields;
}

/** Null when it is not what an encoder writes; what it means then is the standard's to say. */
function decode(text: string): string | null {
  if (!/[%+\ud800-\udfff]/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' ')).toWellFormed();
  } catch {
    return null;
  }
}

/** As the URL standard reads a form. It takes three times as long, and differs for broken escapes alone. */
function readByTheBook(text: string): FormFields | null {
  const fields = new Map<string, string[]>();
  let count = 0;
  // The class drops a question mark in front, which would make two different bodies read the same.
  for (const [name, value] of new URLSearchParams(text.startsWith('?') ? `?${text}` : text)) {
    if (++count > FIELDS_MAXIMUM) return null;
    const values = fields.get(name);
    if (values) values.push(value);
    else fields.set(name, [value]);
  }
  return fields;
}

/**
 * The only value of a field; null when it is absent. A field that decides something and comes twice is refused,
 * because its two readers may choose differently. @throws ProviderError `malformed`
 */
export function singleField(fields: FormFields, name: string): string | null {
  const values = fields.get(name);
  if (values === undefined) return null;
  const [value, ...more] = values;
  if (value === undefined || more.length > 0) {
    throw new ProviderError('malformed', `The webhook's field ${name} comes more than once.`);
  }
  return value;
}

/** Bytes as UTF-8 text with nothing added or taken away; null when they are none. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return UTF8.decode(bytes);
  } catch {
    return null;
  }
}

// With `ignoreBOM` a byte order mark stays in the text, so that it is not accepted as if it were not there.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
