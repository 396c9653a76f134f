import { exerciseStory } from '../conformance-story.ts';
import { ACCOUNT_SID, AUTH_TOKEN, createTwilioWebhooks, twimlReader } from './testing/twilio-bench.ts';
import { createTwilioProvider } from './twilio-provider.ts';

exerciseStory('twilio', (base, clock) => ({
  provider: createTwilioProvider(
    { settings: {}, credentials: { accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN } },
    { clock },
  ),
  webhooks: createTwilioWebhooks({
    accountSid: ACCOUNT_SID,
    secret: AUTH_TOKEN,
    header: 'x-twilio-signature',
    base,
  }),
  reader: twimlReader,
}));
