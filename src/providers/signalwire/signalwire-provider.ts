import type { Clock } from '../../lib/clock.ts';
import type { Provider } from '../provider.ts';
import { TwilioProvider } from '../twilio/twilio-provider.ts';
import { readSignalWireAccount } from './signalwire-config.ts';

/**
 * The adapter of a SignalWire space: Twilio's, in SignalWire's dialect (`twilio-dialect.ts`).
 * @throws Error that names every violation of settings and credentials
 */
export function createSignalWireProvider(
  account: { settings: unknown; credentials: unknown },
  options: { readonly clock: Clock },
): Provider {
  return new TwilioProvider(readSignalWireAccount(account), options.clock);
}
