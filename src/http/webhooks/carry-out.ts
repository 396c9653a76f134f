import type { App, ProviderAccount } from '../../app/app.ts';
import { MasklineError } from '../../domain/errors.ts';
import { ProviderError } from '../../providers/provider.ts';

/**
 * How long a provider may take to accept a command. Providers that work this way wait about two seconds for the
 * acknowledgement of their webhook, which comes after it.
 */
const COMMAND_TIMEOUT_MS = 1_500;

/**
 * Carries out a decision by a call to the provider, for those whose webhook answer routes nothing. It comes
 * before the acknowledgement: if it fails in passing, the provider is refused with 503 and asks again, and the
 * same question gets the same decision. If it is refused for good, asking again would change nothing. That somebody
 * wants no more texts is such a refusal, and nothing that anybody has to look into.
 * @throws MasklineError MASK_DEPENDENCY_UNAVAILABLE
 */
export async function carryOut(
  app: App,
  account: ProviderAccount,
  command: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const abort = new AbortController();
  const timer = app.clock.after(COMMAND_TIMEOUT_MS, () => abort.abort());
  try {
    await command(abort.signal);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (error.code === 'unavailable' || error.code === 'rate_limited') {
      throw new MasklineError('MASK_DEPENDENCY_UNAVAILABLE', 'Deliver the webhook again.', { cause: error });
    }
    app.metrics.commandsRefused.inc({ account: account.name, code: error.code });
    if (error.code === 'opted_out') {
      app.log.info({ account: account.name }, 'A text was not sent, because its receiver has said STOP.');
    } else {
      app.log.error({ account: account.name, error }, 'The provider refused what was decided.');
    }
  } finally {
    timer.cancel();
  }
}
