import { hash, timingSafeEqual } from 'node:crypto';
import type { App, ProviderAccount } from '../../app/app.ts';
import { MasklineError } from '../../domain/errors.ts';
import type { WebhookRequest } from '../../providers/provider.ts';
import type { WebhookPath } from './webhook-path.ts';

/** What an account id of ours looks like; storage is not asked about anything else. */
const ACCOUNT_ID = /^[A-Za-z0-9_-]{1,64}$/;
/** Compared with when there is no account, so that it takes as long. */
const NO_SECRET = '';
/** Made once: the stack of another each time would cost a forger's victim 11 µs, and say nothing. */
const NOT_AUTHENTIC = new MasklineError('MASK_WEBHOOK_NOT_AUTHENTIC', 'Nothing was done.');

/**
 * The account that this path is of, before anything of the body is read. Whatever is wrong with a webhook, the answer is
 * the same to the last byte; only our own metric says which it was.
 * @throws MasklineError MASK_WEBHOOK_NOT_AUTHENTIC, MASK_DEPENDENCY_UNAVAILABLE
 */
export async function findWebhookAccount(
  app: App,
  { accountId, pathSecret }: WebhookPath,
): Promise<ProviderAccount> {
  const account = ACCOUNT_ID.test(accountId) ? await app.providerAccounts.byId(accountId) : null;
  const secretMatches = isSameText(pathSecret, account?.pathSecret ?? NO_SECRET);
  if (account === null) throw refuse(app, 'unknown_account');
  if (!secretMatches || account.pathSecret === NO_SECRET) throw refuse(app, 'path_secret');
  return account;
}

/**
 * That the request is really from the account that its path names. (One of a vendor that forgets to sign is to come
 * again.)
 * @throws MasklineError MASK_WEBHOOK_NOT_AUTHENTIC, MASK_DEPENDENCY_UNAVAILABLE
 */
export function authenticateWebhook(app: App, account: ProviderAccount, request: WebhookRequest): void {
  if (account.provider.isAuthentic(request) || isFromBefore(app, account, request)) return;
  if (account.provider.isUnsigned?.(request)) throw askAgain(app);
  throw refuse(app, 'not_authentic');
}

/** While a secret is being exchanged, the provider may still sign with the one before (SEC-06). */
function isFromBefore(app: App, { before }: ProviderAccount, request: WebhookRequest): boolean {
  return before !== undefined && app.clock.now() < before.until && before.provider.isAuthentic(request);
}

function askAgain(app: App): MasklineError {
  app.metrics.webhooksRefused.inc({ cause: 'unsigned' });
  return new MasklineError('MASK_DEPENDENCY_UNAVAILABLE', 'Nothing was done. Send it again, signed.');
}

function refuse(app: App, cause: string): MasklineError {
  app.metrics.webhooksRefused.inc({ cause });
  return NOT_AUTHENTIC;
}

/** In a time that does not depend on the texts: their hashes have one length and tell nothing when they differ. */
function isSameText(one: string, other: string): boolean {
  return timingSafeEqual(hash('sha256', one, 'buffer'), hash('sha256', other, 'buffer'));
}
