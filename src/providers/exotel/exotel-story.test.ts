import { exerciseStory } from '../conformance-story.ts';
import { createExotelProvider } from './exotel-provider.ts';
import { appletReader, CREDENTIALS, createExotelWebhooks, VOICE_FLOW } from './testing/exotel-bench.ts';

exerciseStory('exotel', (base, clock) => ({
  provider: createExotelProvider(
    { settings: { voiceFlowUrl: VOICE_FLOW }, credentials: CREDENTIALS },
    { clock },
  ),
  webhooks: createExotelWebhooks(base),
  reader: appletReader,
}));
