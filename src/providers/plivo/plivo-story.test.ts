import { exerciseStory } from '../conformance-story.ts';
import { relocateWebhooks } from '../testing/relocate-webhooks.ts';
import { createPlivoProvider } from './plivo-provider.ts';
import { CREDENTIALS, plivoReader, plivoWebhooks } from './testing/plivo-bench.ts';

exerciseStory('plivo', (base, clock) => ({
  provider: createPlivoProvider({ settings: {}, credentials: CREDENTIALS }, { clock }),
  webhooks: relocateWebhooks(plivoWebhooks, base),
  reader: plivoReader,
}));
