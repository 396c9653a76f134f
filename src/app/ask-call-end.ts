import type { App, ProviderAccount } from './app.ts';
import { askProvider } from './ask-provider.ts';
import { recordLegStatus } from './record-leg-status.ts';

/** Whether the account's provider has an answer to `how did this call end`. */
export function canSayCallEnds(account: ProviderAccount): boolean {
  return account.provider.fetchCallEnd !== undefined;
}

/**
 * Asks the provider how a call has ended, and records it. False when it says nothing: the call lasts, or it is not
 * known there. @throws ProviderError
 */
export async function askCallEnd(
  app: App,
  account: ProviderAccount,
  providerCallId: string,
): Promise<boolean> {
  const end = await askProvider(app, account, async (provider, signal) =>
    provider.fetchCallEnd?.(providerCallId, signal),
  );
  if (!end) return false;
  const { tenant, name: providerAccount } = account;
  const recorded = { tenant, providerAccount, providerCallId, legStatus: end };
  return (await recordLegStatus(app, recorded)) === 'recorded';
}
