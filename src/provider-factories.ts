import type { Clock } from './lib/clock.ts';
import { createAsteriskProvider, readAsteriskConfig } from './providers/asterisk/asterisk-provider.ts';
import { readFreeswitchConfig } from './providers/freeswitch/freeswitch-config.ts';
import { createFreeswitchProvider } from './providers/freeswitch/freeswitch-provider.ts';
import { createJambonzProvider, readJambonzConfig } from './providers/jambonz/jambonz-provider.ts';
import { createPlivoProvider } from './providers/plivo/plivo-provider.ts';
import { createExotelProvider } from './providers/exotel/exotel-provider.ts';
import type { ProviderFactory } from './providers/provider-accounts.ts';
import { createSignalWireProvider } from './providers/signalwire/signalwire-provider.ts';
import { readSimulatorConfig } from './providers/simulator/simulator-config.ts';
import { createSimulatorProvider } from './providers/simulator/simulator-provider.ts';
import { readSipConfig } from './providers/sip/sip-config.ts';
import { createSipProvider } from './providers/sip/sip-provider.ts';
import { createTelnyxProvider } from './providers/telnyx/telnyx-provider.ts';
import { createTwilioProvider } from './providers/twilio/twilio-provider.ts';
import { createVonageProvider } from './providers/vonage/vonage-provider.ts';

/** Every adapter that is built in, by the name that an account gives as its provider. */
export function providerFactories(deps: { readonly clock: Clock }): ReadonlyMap<string, ProviderFactory> {
  return new Map<string, ProviderFactory>([
    ['simulator', (account) => createSimulatorProvider(readSimulatorConfig(account.credentials), deps)],
    ['exotel', (account) => createExotelProvider(account, deps)],
    ['twilio', (account) => createTwilioProvider(account, deps)],
    ['signalwire', (account) => createSignalWireProvider(account, deps)],
    ['plivo', (account) => createPlivoProvider(account, deps)],
    ['sip', (account) => createSipProvider(readSipConfig(account.credentials))],
    ['asterisk', (account) => createAsteriskProvider(readAsteriskConfig(account.credentials))],
    ['freeswitch', (account) => createFreeswitchProvider(readFreeswitchConfig(account.credentials))],
    ['jambonz', (account) => createJambonzProvider(readJambonzConfig(account.credentials), deps)],
    ['telnyx', (account) => createTelnyxProvider(account, deps)],
    ['vonage', (account) => createVonageProvider(account, deps)],
  ]);
}
