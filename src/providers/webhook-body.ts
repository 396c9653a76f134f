import { decodeUtf8, type FormFields, readFormFields, singleField } from './form-fields.ts';
import { ProviderError } from './provider.ts';

/** The largest honest body is a text of 1,600 characters; percent-encoded it is some 20 kB. */
const BODY_BYTES_MAXIMUM = 64 * 1024;

/** @throws ProviderError `malformed`, never with a part of the body in it */
export function readJsonBody(rawBody: Uint8Array): unknown {
  const text = readText(rawBody);
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, so it is not passed on.
    throw new ProviderError('malformed', "The webhook's body is not JSON.");
  }
}

/** Forms as they were read, for as long as their bytes are around: a signature is checked before a form is read. */
const forms = new WeakMap<Uint8Array, FormFields>();

/** Reads `application/x-www-form-urlencoded`, once however often it is asked. @throws ProviderError `malformed` */
export function readFormBody(rawBody: Uint8Array): FormFields {
  const known = forms.get(rawBody);
  if (known) return known;
  const fields = readFormFields(readText(rawBody));
  if (fields === null) throw new ProviderError('malformed', "The webhook's body has too many fields.");
  forms.set(rawBody, fields);
  return fields;
}

/** The same, but null for what is no form. */
export function tryFormBody(rawBody: Uint8Array): FormFields | null {
  try {
    return readFormBody(rawBody);
  } catch (error) {
    if (error instanceof ProviderError) return null;
    throw error;
  }
}

/** The one value of a field; an empty one is as good as none. @throws ProviderError `malformed` if it comes twice */
export function formField(fields: FormFields, name: string): string | null {
  return singleField(fields, name) || null;
}

/** @throws ProviderError `malformed` when the field is missing or longer than `lengthMaximum` characters */
export function requiredField(fields: FormFields, name: string, lengthMaximum: number): string {
  const value = formField(fields, name);
  if (value === null) throw new ProviderError('malformed', `The webhook has no ${name}.`);
  if (value.length > lengthMaximum) {
    throw new ProviderError('malformed', `The webhook's ${name} is longer than ${lengthMaximum} characters.`);
  }
  return value;
}

function readText(rawBody: Uint8Array): string {
  if (rawBody.length > BODY_BYTES_MAXIMUM) {
    throw new ProviderError('malformed', `The webhook's body is longer than ${BODY_BYTES_MAXIMUM} bytes.`);
  }
  const text = decodeUtf8(rawBody);
  if (text === null) throw new ProviderError('malformed', "The webhook's body is not UTF-8.");
  return text;
}
