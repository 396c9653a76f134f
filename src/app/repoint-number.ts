import { VirtualNumberState } from '../domain/virtual-number.ts';
import { pause } from '../lib/clock.ts';
import { type NumberHeld, ProviderError } from '../providers/provider.ts';
import type { VirtualNumberRow } from '../storage/virtual-number-storage.ts';
import { webhookUrls } from './adopt-number.ts';
import type { App, ProviderAccount } from './app.ts';
import { askProvider } from './ask-provider.ts';
import { LIMITS } from './limits.ts';

/** Whoever asks for a longer pause is not waited for. */
const PAUSE_SECONDS_MAXIMUM = 120;

/**
 * Points the webhooks of a number at us once more, after our public address has changed, or somebody has pointed them
 * elsewhere. Where they pointed before our time stays what it was; of a number that was imported without being pointed
 * anywhere it is remembered now. A provider that asks for a pause gets it, once. Returns false for a number whose import
 * broke off, which importing it again completes.
 * @throws ProviderError
 */
export async function repointNumber(
  app: App,
  account: ProviderAccount,
  row: VirtualNumberRow,
  held: NumberHeld,
): Promise<boolean> {
  const isUntouched = row.imported && row.previousWebhooks === null;
  if (isUntouched && row.state === VirtualNumberState.Reserved) return false;
  const before = await pointAtUs(app, account, held).catch(async (error: unknown) => {
    if (!(error instanceof ProviderError) || error.code !== 'rate_limited') throw error;
    const seconds = error.retryAfterSeconds ?? LIMITS.providerPauseSeconds;
    if (seconds > PAUSE_SECONDS_MAXIMUM) throw error;
    await pause(app.clock, seconds * 1_000);
    return pointAtUs(app, account, held);
  });
  if (isUntouched) {
    await app.storage.run(account.tenant, (storage) =>
      storage.virtualNumbers.configured(row.virtualNumber, held.providerNumberId, before),
    );
  }
  return true;
}

function pointAtUs(app: App, account: ProviderAccount, held: NumberHeld): Promise<unknown> {
  return askProvider(app, account, (provider, signal) =>
    provider.configureNumber(held, { urls: webhookUrls(account) }, signal),
  );
}
