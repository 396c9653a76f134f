import { afterAll } from 'vitest';
import { OperatorGateway } from '../conformance-gateway.ts';
import { exerciseStory } from '../conformance-story.ts';
import { relocateWebhooks } from '../testing/relocate-webhooks.ts';
import { CREDENTIALS, vonageReader, vonageWebhooks } from './testing/vonage-bench.ts';
import { VonageOperator } from './testing/vonage-operator.ts';
import { createVonageProvider } from './vonage-provider.ts';

const gateway = await OperatorGateway.start(new VonageOperator().handle);
afterAll(() => gateway.stop());

exerciseStory('vonage', (base, clock) => ({
  provider: createVonageProvider(
    {
      settings: { apiUrl: `${gateway.url}/api`, restUrl: `${gateway.url}/rest` },
      credentials: CREDENTIALS,
    },
    { clock },
  ),
  webhooks: relocateWebhooks(vonageWebhooks(clock), base),
  reader: vonageReader,
  gateway,
}));
