import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { ProviderError, type WebhookRequest } from './provider.ts';

/** The largest honest body is a text of 1,600 characters, or a switch's list of channel variables. */
const BODY_BYTES_MAXIMUM = 64 * 1024;

/** A reader of JSON webhooks of one shape. What it throws says where and why, never what was sent. */
export function jsonBodyReader<S extends TSchema>(schema: S): (request: WebhookRequest) => Static<S> {
  const check = shapeChecker(schema);
  return (request) => check(parseJson(bodyText(request)));
}

/** The same for `application/x-www-form-urlencoded`. A field that is sent twice cannot be read. */
export function formBodyReader<S extends TSchema>(schema: S): (request: WebhookRequest) => Static<S> {
  const check = shapeChecker(schema);
  return (request) => {
    const fields = Object.create(null) as Record<string, string>;
    for (const [name, value] of new URLSearchParams(bodyText(request))) {
      if (name in fields) throw malformed('has a field twice');
      fields[name] = value;
    }
    return check(fields);
  };
}

function shapeChecker<S extends TSchema>(schema: S): (value: unknown) => Static<S> {
  const validator = Compile(schema);
  return (value) => {
    if (validator.Check(value)) return value as Static<S>;
    const first = validator.Errors(value)[0];
    throw malformed(`${first?.instancePath ?? ''} ${first?.message ?? ''}`.trim());
  };
}

function bodyText(request: WebhookRequest): string {
  if (request.rawBody.length > BODY_BYTES_MAXIMUM) {
    throw malformed(`is longer than ${BODY_BYTES_MAXIMUM} bytes`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(request.rawBody);
  } catch {
    throw malformed('is not UTF-8');
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, so it is not passed on.
    throw malformed('is not JSON');
  }
}

function malformed(why: string): ProviderError {
  return new ProviderError('malformed', `The webhook's body ${why}.`);
}
