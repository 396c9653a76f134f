import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { systemClock } from '../../../../src/lib/clock.ts';
import { systemRandom } from '../../../../src/lib/random.ts';
import { type Delivery, type DeliveryOptions, startDelivery } from '../start-delivery.ts';
import { FAKE_API_KEY, FakeMaskline } from './fake-maskline.ts';
import { FakePhoneNetwork } from './fake-phone-network.ts';
import { MemoryBus } from './memory-bus.ts';

export const FAKE_PROFILE_TOKEN = 'fake-profile-token';
export const FAKE_TOPICS = { orders: 'orders', masking: 'masking' } as const;
export const FAKE_POOL = 'city';

/** Numbers of the range that the regulator keeps for fiction, in an area code that no person here has. */
const STOCK = Array.from({ length: 40 }, (_, i) => `+1347555${String(100 + i).padStart(4, '0')}`);

export interface FakeCompany {
  readonly delivery: Delivery;
  readonly bus: MemoryBus;
  readonly maskline: FakeMaskline;
  readonly network: FakePhoneNetwork;
  stop(): Promise<void>;
}

/** The delivery company among fakes: everything that it needs, in one process, on free ports. */
export async function startFakeCompany(overrides: Partial<DeliveryOptions> = {}): Promise<FakeCompany> {
  const bus = new MemoryBus();
  let deliveryUrl = '';
  const maskline = new FakeMaskline({
    bus,
    topics: FAKE_TOPICS,
    pool: FAKE_POOL,
    stock: STOCK,
    profileOf: async (userId) => {
      const headers = { authorization: `Bearer ${FAKE_PROFILE_TOKEN}` };
      const response = await fetch(`${deliveryUrl}/profiles/${userId}`, { headers });
      return (await response.json()) as { realNumber: string };
    },
  });
  const network = new FakePhoneNetwork(maskline);
  const emptyDirectory = mkdtempSync(join(tmpdir(), 'delivery-pages-'));
  const masklineUrl = await maskline.start();
  const simulatorUrl = await network.start();
  const delivery = await startDelivery({
    host: '127.0.0.1',
    port: 0,
    stateFile: ':memory:',
    bus,
    topics: FAKE_TOPICS,
    pool: FAKE_POOL,
    masklineUrl,
    masklineApiKey: FAKE_API_KEY,
    simulatorUrl,
    profileToken: FAKE_PROFILE_TOKEN,
    clock: systemClock,
    random: systemRandom,
    assetsDir: emptyDirectory,
    pagesReady: new Promise(() => undefined),
    log: pino({ level: 'silent' }),
    ...overrides,
  });
  deliveryUrl = delivery.url;
  return {
    delivery,
    bus,
    maskline,
    network,
    async stop() {
      await delivery.stop();
      await maskline.stop();
      await network.stop();
      rmSync(emptyDirectory, { recursive: true, force: true });
    },
  };
}
