import { ProviderError } from './provider.ts';

/** More fields than this are no webhook: the longest that is known has about sixty. */
const FIELDS_MAXIMUM = 200;

/** The fields of a form or a query, decoded, with every value that a name was given. */
export type FormFields = ReadonlyMap<string, readonly string[]>;

/** Reads `application/x-www-form-urlencoded` text as the URL standard does; null when it holds more fields than any webhook. */
export function readFormFields(text: string): FormFields | null {
  const fields = new Map<string, string[]>();
  let count = 0;
  // The class drops a question mark in front, which would make two different bodies read the same.
  const read = new URLSearchParams(text.startsWith('?') ? `?${text}` : text);
  // Half as long as iterating over it.
  read.forEach((value, name) => {
    count++;
    const values = fields.get(name);
    if (values) values.push(value);
    else fields.set(name, [value]);
  });
  return count > FIELDS_MAXIMUM ? null : fields;
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
