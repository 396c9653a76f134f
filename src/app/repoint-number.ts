import { pause } from '../lib/clock.ts';
import { type NumberHeld, type Provider, ProviderError } from '../providers/provider.ts';
import type { VirtualNumberRow } from '../storage/virtual-number-storage.ts';
import { webhookUrls } from './adopt-number.ts';
import type { App, ProviderAccount } from './app.ts';
import { askProvider } from './ask-provider.ts';
import { isBrokenOff } from './import-held-number.ts';
import { LIMITS } from './limits.ts';

/** Whoever asks for a longer pause is not waited for. */
const PAUSE_SECONDS_MAXIMUM = 120;

/**
 * Points the webhooks of a number at us once more, after our public address has changed, or somebody has pointed them
 * elsewhere. Where they pointed before our time stays what it was; of a number that was imported without being pointed
 * anywhere it is remembered before they are changed. A provider that asks for a pause gets it, once for each request.
 * Returns false for a number whose import broke off, which importing it again completes.
 * @throws ProviderError
 */
export async function repointNumber(
  app: App,
  account: ProviderAccount,
  row: VirtualNumberRow,
  held: NumberHeld,
): Promise<boolean> {
  if (isBrokenOff(row)) return false;
  if (row.imported && row.previousWebhooks === null) {
    const before = await askPatiently(app, account, (provider, signal) =>
      provider.readWebhooks(held, signal),
    );
    await app.storage.run(account.tenant, (storage) =>
      storage.virtualNumbers.configured(row.virtualNumber, held.providerNumberId, before),
    );
  }
  await askPatiently(app, account, (provider, signal) =>
    provider.configureNumber(held, { urls: webhookUrls(account) }, signal),
  );
  return true;
}

async function askPatiently<T>(
  app: App,
  account: ProviderAccount,
  work: (provider: Provider, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  try {
    return await askProvider(app, account, work);
  } catch (error) {
    if (!(error instanceof ProviderError) || error.code !== 'rate_limited') throw error;
    const seconds = error.retryAfterSeconds ?? LIMITS.providerPauseSeconds;
    if (seconds > PAUSE_SECONDS_MAXIMUM) throw error;
    await pause(app.clock, seconds * 1_000);
    return askProvider(app, account, work);
  }
}
