import type { FastifyInstance } from 'fastify';
import { MasklineError } from '../domain/errors.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** the body as it came, for whoever must recognise it again */
    bodyText: string;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Accepts JSON in UTF-8 and nothing else, and keeps the text. `__proto__` and `constructor.prototype` are
 * refused. No body at all reads as `{}`, so that the schema says what is missing.
 */
export function acceptJsonOnly(http: FastifyInstance): void {
  const parse = http.getDefaultJsonParser('error', 'error');
  http.decorateRequest('bodyText', '');
  http.removeAllContentTypeParsers();
  http.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      request.bodyText = utf8.decode(body as Buffer);
    } catch {
      done(new MasklineError('MASK_INVALID_REQUEST', 'The body is not valid JSON in UTF-8.'));
      return;
    }
    if (request.bodyText === '') done(null, undefined);
    else parse(request, request.bodyText, done);
  });
  http.addHook('preValidation', async (request) => {
    if (request.method !== 'GET' && request.body === undefined) request.body = {};
  });
}
