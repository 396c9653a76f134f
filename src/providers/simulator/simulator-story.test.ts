import { exerciseStory } from '../conformance-story.ts';
import { createSimulatorProvider } from './simulator-provider.ts';
import { createSimulatorWebhooks, SECRET, simulatorReader } from './testing/simulator-bench.ts';

exerciseStory('simulator', (base, clock) => ({
  provider: createSimulatorProvider({ baseUrl: 'http://127.0.0.1:1', sharedSecret: SECRET }, { clock }),
  webhooks: createSimulatorWebhooks(clock, base),
  reader: simulatorReader,
}));
