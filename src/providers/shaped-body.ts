import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { ProviderError, type WebhookRequest } from './provider.ts';
import { readJsonBody } from './webhook-body.ts';

/** A reader of JSON webhooks of one shape. @throws ProviderError `malformed` that says where and why, never what */
export function jsonBodyReader<S extends TSchema>(schema: S): (request: WebhookRequest) => Static<S> {
  const validator = Compile(schema);
  return ({ rawBody }) => {
    const value = readJsonBody(rawBody);
    if (validator.Check(value)) return value as Static<S>;
    const first = validator.Errors(value)[0];
    throw new ProviderError(
      'malformed',
      `The webhook's body${first?.instancePath ?? ''} ${first?.message ?? ''}.`,
    );
  };
}
