import type { App } from '../app/app.ts';
import { MasklineError } from '../domain/errors.ts';
import type { TenantKeys } from '../privacy/vault.ts';
import { isDependencyFailure } from './map-error.ts';

/** A first run that has said nothing for so long has crashed: the request may run again. */
const RUN_MS = 60_000;

export interface RepeatableRequest {
  readonly tenant: string;
  readonly apiKeyId: string;
  /** the `Idempotency-Key` */
  readonly key: string;
  readonly method: string;
  readonly path: string;
  readonly bodyText: string;
}

export interface StoredAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * Runs a request once by its key. The same request again gets the first answer, whatever it was: what reached
 * `run` is kept, errors of ours (500) included, because the first run may have had an effect. Only a failed
 * dependency (503) is forgotten, since asking again is what its answer tells the caller to do. Requests that
 * are invalid or not allowed never come here.
 *
 * `run` throws for a failed dependency and returns everything else.
 * @throws MasklineError MASK_IDEMPOTENCY_MISMATCH, MASK_IDEMPOTENCY_IN_PROGRESS
 */
export async function runOnce(
  app: App,
  asked: RepeatableRequest,
  keptMs: number,
  run: () => Promise<StoredAnswer>,
): Promise<StoredAnswer & { readonly replayed: boolean }> {
  const { tenant, apiKeyId } = asked;
  const keys = await app.vault.keysOf(tenant);
  const key = keptKey(keys, asked.key);
  const request = { ...asked, key };
  const hash = keys.fingerprint(
    // JSON keeps the parts apart. Bodies hold numbers, which a plain hash would give away.
    JSON.stringify([request.method, request.path, request.bodyText]),
  );
  const now = app.clock.now();
  // A running request expires soon, and storage replaces what has expired: that is how a crashed one is taken
  // over, by exactly one of those who ask.
  const earlier = await app.storage.run(tenant, (storage) =>
    storage.idempotency.begin({ apiKeyId, key, hash, now, expiresAt: now + RUN_MS }),
  );
  if (earlier !== null) {
    if (!Buffer.from(earlier.hash).equals(hash)) {
      throw new MasklineError('MASK_IDEMPOTENCY_MISMATCH', 'Use a new Idempotency-Key for another request.');
    }
    if (earlier.status === null || earlier.body === null) {
      throw new MasklineError('MASK_IDEMPOTENCY_IN_PROGRESS', 'Ask again in a second for its answer.');
    }
    return { status: earlier.status, text: earlier.body, replayed: true };
  }
  try {
    const answer = await run();
    await keep(app, request, hash, answer, keptMs);
    return { ...answer, replayed: false };
  } catch (error) {
    if (isDependencyFailure(error)) await forget(app, request);
    throw error;
  }
}

/** What is kept of an `Idempotency-Key`: a text that the caller chose freely may hold a number, too. */
export function keptKey(keys: Pick<TenantKeys, 'fingerprint'>, key: string): string {
  return Buffer.from(keys.fingerprint(`key:${key}`)).toString('base64url');
}

/** Gives the row its long life with its answer: both or neither, so that a crash between them leaves neither. */
async function keep(
  app: App,
  request: RepeatableRequest,
  hash: Uint8Array,
  answer: StoredAnswer,
  keptMs: number,
): Promise<void> {
  const { tenant, apiKeyId, key } = request;
  const now = app.clock.now();
  try {
    await app.storage.transaction(tenant, async ({ idempotency }) => {
      await idempotency.forget(apiKeyId, key);
      const other = await idempotency.begin({ apiKeyId, key, hash, now, expiresAt: now + keptMs });
      if (other === null) await idempotency.finish(apiKeyId, key, answer.status, answer.text);
    });
  } catch (error) {
    // The work is done, so its answer goes out. A repetition runs again, at the earliest in a minute.
    app.log.warn({ error }, 'The answer of a repeatable request could not be kept.');
  }
}

async function forget(app: App, request: RepeatableRequest): Promise<void> {
  try {
    await app.storage.run(request.tenant, (s) => s.idempotency.forget(request.apiKeyId, request.key));
  } catch (error) {
    app.log.warn(
      { error },
      'A failed repeatable request could not be forgotten; it can run again in a minute.',
    );
  }
}
