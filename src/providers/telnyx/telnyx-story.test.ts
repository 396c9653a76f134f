import { afterAll } from 'vitest';
import { OperatorGateway } from '../conformance-gateway.ts';
import { exerciseStory } from '../conformance-story.ts';
import { relocateWebhooks } from '../testing/relocate-webhooks.ts';
import { createTelnyxProvider } from './telnyx-provider.ts';
import { CREDENTIALS, SETTINGS, telnyxReader, telnyxWebhooks } from './testing/telnyx-bench.ts';
import { TelnyxOperator } from './testing/telnyx-operator.ts';

const gateway = await OperatorGateway.start(new TelnyxOperator().handle);
afterAll(() => gateway.stop());

exerciseStory('telnyx', (base, clock) => ({
  provider: createTelnyxProvider(
    { settings: { ...SETTINGS, apiUrl: `${gateway.url}/v2` }, credentials: CREDENTIALS },
    { clock },
  ),
  webhooks: relocateWebhooks(telnyxWebhooks(clock), base),
  reader: telnyxReader,
  gateway,
}));
