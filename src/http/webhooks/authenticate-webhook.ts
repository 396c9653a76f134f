import { hash, timingSafeEqual } from 'node:crypto';
import type { App, ProviderAccount } from '../../app/app.ts';
import { MasklineError } from '../../domain/errors.ts';
import type { WebhookRequest } from '../../providers/provider.ts';
import type { WebhookPath } from './webhook-path.ts';

/** What an account id of ours looks like; storage is not asked about anything else. */
const ACCOUNT_ID = /^[A-Za-z0-9_-]{1,64}$/;
/** Compared with when there is no account, so that it takes as long. */
const NO_SECRET = '';

/**
 * The account that this request is really from. Whatever is wrong with it, the answer is the same to the last
 * byte; only our own metric says which it was. (One that came by the secret path, of a vendor that forgets to sign,
 * is to come again.)
 * @throws MasklineError MASK_WEBHOOK_NOT_AUTHENTIC, MASK_DEPENDENCY_UNAVAILABLE
 */
export async function authenticateWebhook(
  app: App,
  path: WebhookPath,
  request: WebhookRequest,
): Promise<ProviderAccount> {
  const account = ACCOUNT_ID.test(path.accountId) ? await app.providerAccounts.byId(path.accountId) : null;
  const secretMatches = isSameText(path.pathSecret, account?.pathSecret ?? NO_SECRET);
  if (account === null) throw refuse(app, 'unknown_account');
  if (!secretMatches || account.pathSecret === NO_SECRET) throw refuse(app, 'path_secret');
  if (!account.provider.isAuthentic(request) && !isFromBefore(app, account, request)) {
    if (account.provider.isUnsigned?.(request)) throw askAgain(app);
    throw refuse(app, 'not_authentic');
  }
  return account;
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
  return new MasklineError('MASK_WEBHOOK_NOT_AUTHENTIC', 'Nothing was done.');
}

/** In a time that does not depend on the texts: their hashes have one length and tell nothing when they differ. */
function isSameText(one: string, other: string): boolean {
  return timingSafeEqual(hash('sha256', one, 'buffer'), hash('sha256', other, 'buffer'));
}
