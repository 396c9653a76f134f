import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AttestationPolicy } from '../domain/pool.ts';
import { createTwilioBench, type TwilioBench } from '../providers/twilio/testing/twilio-bench.ts';
import { createWorld, TENANT, type World } from './testing/world.ts';

/** What networks say of a caller, on the wire of the provider that says it in the most words. */
const VERDICTS = [
  'TN-Validation-Passed-A',
  'TN-Validation-Passed-B',
  'TN-Validation-Passed-C',
  'TN-Validation-Failed-A',
  'TN-Validation-Failed-B',
  'TN-Validation-Failed-C',
  'TN-Validation-Failed',
  'No-TN-Validation',
  null,
] as const;

/** Which of them are connected. */
const CONNECTED: Readonly<Record<AttestationPolicy, string>> = {
  ignore: '111111111',
  prefer: '111000011',
  require: '100000000',
};

let bench: TwilioBench;
let world: World;
beforeAll(async () => {
  bench = await createTwilioBench();
});
afterAll(() => bench.close());

function readVerdict(verdict: string | null) {
  const webhook = bench.webhooks.answer({ callId: 'CA1', from: '+12025550101', to: '+12155550150' });
  const said = verdict === null ? '' : `&StirVerstat=${verdict}`;
  const rawBody = new TextEncoder().encode(new TextDecoder().decode(webhook.rawBody) + said);
  const parsed = bench.provider.parseWebhook('answer', bench.webhooks.sign({ ...webhook, rawBody }));
  return parsed.kind === 'answer' ? parsed.request.attestation : null;
}

describe('attestation: 9 verdicts and 3 policies (SEC-10)', () => {
  it.each(Object.keys(CONNECTED) as AttestationPolicy[])(
    'does as the policy `%s` says',
    async (attestation) => {
      world = await createWorld({ pool: { attestation } });
      const { session } = await world.assign('order-1', [1, 2]);
      const dialled = session?.participants[1]?.virtualNumber ?? null;
      const connected: string[] = [];
      for (const verdict of VERDICTS) {
        const read = readVerdict(verdict);
        const routed = await world.dial(1, dialled, `call-${verdict}`, read);
        const isConnected = routed.instruction.decision === 'bridge';
        connected.push(isConnected ? '1' : '0');
        if (!isConnected) {
          // To the caller it sounds like every other refusal.
          expect(routed).toMatchObject({
            reason: 'caller_not_verified',
            instruction: { announcement: 'neutral' },
          });
        }
        const call = await world.app.storage.run(TENANT, (s) => s.calls.get(routed.callId ?? ''));
        expect(call?.attestation, String(verdict)).toBe(read);
      }
      expect(connected.join('')).toBe(CONNECTED[attestation]);
    },
  );

  it('keeps what the pool said when the session opened, and asks nothing of texts', async () => {
    world = await createWorld({ pool: { attestation: 'require' } });
    const { session } = await world.assign('order-1', [1, 2]);
    const pool = await world.app.storage.run(TENANT, (s) => s.pools.get('city'));
    if (!pool) throw new Error('The world has no pool.');
    await world.app.storage.run(TENANT, (s) => s.pools.update({ ...pool, attestation: 'ignore' }));
    expect((await world.dial(1, session?.participants[1]?.virtualNumber ?? null)).reason).toBe(
      'caller_not_verified',
    );
  });
});
