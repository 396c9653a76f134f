import type { FastifyRequest } from 'fastify';
import { MasklineError } from '../domain/errors.ts';
import type { ApiKeyRow } from '../storage/storage.ts';
import { isAllowedAddress } from './allowed-address.ts';
import type { ApiKeyCache } from './api-key-cache.ts';
import type { ApiScope } from './scopes.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** whose key this is; null before it was looked at, and on routes that need none */
    apiKey: ApiKeyRow | null;
  }
}

/** Both are offered, because some switches send a password only when they are asked for one. */
export const CHALLENGES = ['Bearer realm="maskline"', 'Basic realm="maskline", charset="UTF-8"'] as const;

/** Finds out who asks and whether they may. @throws MasklineError MASK_UNAUTHENTICATED, MASK_FORBIDDEN */
export async function authenticate(
  request: FastifyRequest,
  keys: ApiKeyCache,
  scope: ApiScope,
): Promise<void> {
  const key = readApiKey(request.headers.authorization);
  const row = key === null ? null : await keys.find(key);
  // Told like an unknown key: a thief learns nothing about the key.
  if (row === null || !isAllowedAddress(request.ip, row.allowedAddresses ?? [])) {
    throw new MasklineError(
      'MASK_UNAUTHENTICATED',
      'Send a valid key in the header `Authorization: Bearer <api key>`, or as the password of Basic.',
    );
  }
  if (!row.scopes.includes(scope)) {
    throw new MasklineError('MASK_FORBIDDEN', `This call needs an API key with the scope \`${scope}\`.`);
  }
  request.apiKey = row;
}

/** The key of a Bearer header, or the password of a Basic one; the user name does not matter. */
export function readApiKey(header: string | undefined): string | null {
  const [, scheme, credentials] = /^([A-Za-z]+) +([\x21-\x7e]+)$/.exec(header ?? '') ?? [];
  if (scheme === undefined || credentials === undefined) return null;
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return credentials;
    case 'basic': {
      const pair = Buffer.from(credentials, 'base64').toString('utf8');
      const colon = pair.indexOf(':');
      return colon < 0 ? null : pair.slice(colon + 1);
    }
    default:
      return null;
  }
}
