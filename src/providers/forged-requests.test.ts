import { expect, it } from 'vitest';
import type { ProviderBench } from './conformance-bench.ts';
import { mutationsOf } from './conformance-mutations.ts';
import { createExotelBench } from './exotel/testing/exotel-bench.ts';
import { createPlivoBench } from './plivo/testing/plivo-bench.ts';
import { createSimulatorBench } from './simulator/testing/simulator-bench.ts';
import { createTelnyxBench } from './telnyx/testing/telnyx-bench.ts';
import { createTwilioBench } from './twilio/testing/twilio-bench.ts';
import { createVonageBench } from './vonage/testing/vonage-bench.ts';

// Every adapter that buys numbers, in one run that says its sum: genuine webhooks of each kind, and each of them changed in
// every way that there is, forged with another account's secret, and with no proof at all.

const BENCHES: Readonly<Record<string, () => Promise<ProviderBench>>> = {
  exotel: createExotelBench,
  plivo: () => createPlivoBench(),
  simulator: createSimulatorBench,
  telnyx: () => createTelnyxBench(),
  twilio: createTwilioBench,
  vonage: () => createVonageBench(),
};
const FORGED_MINIMUM = 400;
const [FROM, TO] = ['+12025550101', '+12155550150'];

it('routes none of the forged and changed requests, and believes every genuine one', async () => {
  const sums: string[] = [];
  let forged = 0;
  let routed = 0;
  for (const [name, create] of Object.entries(BENCHES)) {
    const bench = await create();
    const { provider, webhooks, clock } = bench;
    const before = forged;
    const genuine = [
      webhooks.answer({ callId: 'call-1', from: FROM, to: TO }),
      webhooks.status({ callId: 'call-1', event: 'answered', at: clock.now() }),
      webhooks.message({ messageId: 'message-1', from: FROM, to: TO, body: 'I am at the door' }),
    ];
    for (const webhook of genuine) {
      const signed = webhooks.sign(webhook);
      expect(provider.isAuthentic(signed), name).toBe(true);
      const secret = 'the secret of another account, just as long';
      const changed = [...mutationsOf(signed, webhooks).values(), webhooks.sign(webhook, { secret })];
      forged += changed.length;
      routed += changed.filter((request) => provider.isAuthentic(request)).length;
    }
    sums.push(`${name} ${forged - before}`);
    await bench.close();
  }
  console.info(`${forged} forged or changed requests (${sums.join(', ')}): ${routed} routed`);
  expect(forged).toBeGreaterThanOrEqual(FORGED_MINIMUM);
  expect(routed).toBe(0);
});
