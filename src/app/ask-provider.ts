import { ProviderError } from '../providers/provider.ts';
import type { Provider } from '../providers/provider.ts';
import type { App, ProviderAccount } from './app.ts';
import { LIMITS } from './limits.ts';
import { raiseEvent } from './raise-event.ts';

/**
 * One request to a provider, with a time limit, behind the breaker of the account: after five failures in a row
 * nothing is asked for a while, and what the account has asked us to wait is waited. An answer that says no to
 * one number is an answer.
 * @throws ProviderError
 */
export async function askProvider<T>(
  app: App,
  account: ProviderAccount,
  work: (provider: Provider, signal: AbortSignal) => Promise<T>,
  timeoutMs: number = LIMITS.providerTimeoutMs,
): Promise<T> {
  const breaker = app.stockWatch.breakerOf(account.tenant, account.name);
  if (!breaker.allows(app.clock.now())) {
    throw new ProviderError(
      'unavailable',
      'The account is left alone for a moment, because it failed before.',
    );
  }
  const abort = new AbortController();
  const timer = app.clock.after(timeoutMs, () => abort.abort());
  try {
    const answer = await work(account.provider, abort.signal);
    await noteSuccess(app, account);
    return answer;
  } catch (error) {
    if (error instanceof ProviderError) await noteError(app, account, error);
    throw error;
  } finally {
    timer.cancel();
  }
}

async function noteSuccess(app: App, account: ProviderAccount): Promise<void> {
  if (!app.stockWatch.breakerOf(account.tenant, account.name).succeeded()) return;
  app.metrics.providerBreakerOpen.set({ account: account.name }, 0);
  app.log.info({ account: account.name }, 'A provider account works again.');
  const data = { providerAccount: account.name };
  await announce(app, account, raiseEvent(app, 'provider_account.recovered', account.name, data));
}

async function noteError(app: App, account: ProviderAccount, error: ProviderError): Promise<void> {
  if (error.code === 'number_not_available' || error.code === 'malformed') return noteSuccess(app, account);
  app.metrics.providerFailures.inc({ account: account.name, code: error.code });
  const now = app.clock.now();
  const breaker = app.stockWatch.breakerOf(account.tenant, account.name);
  if (error.code === 'rate_limited') {
    breaker.pauseUntil(now + (error.retryAfterSeconds ?? LIMITS.providerPauseSeconds) * 1_000);
    return;
  }
  if (!breaker.failed(now)) return;
  app.metrics.providerBreakerOpen.set({ account: account.name }, 1);
  app.log.error(
    { account: account.name, error },
    'A provider account fails; nothing is bought from it for now.',
  );
  const data = { providerAccount: account.name, reason: error.code };
  await announce(app, account, raiseEvent(app, 'provider_account.unavailable', account.name, data));
}

async function announce(
  app: App,
  account: ProviderAccount,
  event: ReturnType<typeof raiseEvent>,
): Promise<void> {
  await app.storage.run(account.tenant, (storage) => storage.outboxAppend([event]));
  app.wake.outbox.raise();
}
