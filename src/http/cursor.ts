import { timingSafeEqual } from 'node:crypto';
import type { TenantKeys } from '../privacy/vault.ts';
import { RequestError } from './problem.ts';

const SEAL_BYTES = 9;

/**
 * An opaque place in a list: the last id of a page and a seal under the tenant's key, in base64url. The seal
 * makes a changed cursor, or one of another list or tenant, an error instead of a wrong page.
 */
export function createCursor(keys: TenantKeys, list: string, lastId: string): string {
  return Buffer.concat([sealOf(keys, list, lastId), Buffer.from(lastId, 'utf8')]).toString('base64url');
}

/** The id after which the page begins. @throws RequestError for a cursor that is not ours */
export function readCursor(keys: TenantKeys, list: string, cursor: string): string {
  const bytes = Buffer.from(cursor, 'base64url');
  const lastId = bytes.subarray(SEAL_BYTES).toString('utf8');
  const seal = bytes.subarray(0, SEAL_BYTES);
  const intact =
    seal.length === SEAL_BYTES &&
    timingSafeEqual(seal, sealOf(keys, list, lastId)) &&
    // Base64url leaves some bits open at the end; only one spelling is accepted.
    createCursor(keys, list, lastId) === cursor;
  if (!intact) {
    throw new RequestError('MASK_INVALID_REQUEST', 'Use `nextCursor` of the page before, unchanged.', [
      { path: '?cursor', message: 'is not a cursor of this list' },
    ]);
  }
  return lastId;
}

function sealOf(keys: TenantKeys, list: string, lastId: string): Uint8Array {
  return keys.fingerprint(`cursor:${list}:${lastId}`).subarray(0, SEAL_BYTES);
}
