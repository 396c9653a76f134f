import { expect, it } from 'vitest';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { AccountWebhooks } from './account-webhooks.ts';
import { Faults } from './faults.ts';
import type { WebhookResponse } from './webhook-sender.ts';

const URL_OF_ANSWER = 'https://masking.example.com/webhooks/acc_1/secret-path/answer';

async function linesAfter(answer: () => Promise<WebhookResponse>): Promise<string[]> {
  const lines: string[] = [];
  const webhooks = new AccountWebhooks({
    clock: new ManualClock(),
    account: { webhookBase: 'https://masking.example.com', sharedSecret: 'secret' },
    faults: new Faults(seededRandom(1)),
    sender: answer,
    log: (line) => void lines.push(line),
  });
  expect(
    await webhooks.askAboutCall(URL_OF_ANSWER, { callId: 'call_1', from: 'anonymous', to: '+12025550150' }),
  ).toBeNull();
  return lines;
}

it('names who did not answer, without the secret of the path', async () => {
  expect(await linesAfter(() => Promise.reject(new Error('Nobody is there.')))).toEqual([
    'call_1: no answer within 5000 ms from https://masking.example.com',
  ]);
  expect(await linesAfter(async () => ({ status: 502, body: '' }))).toEqual([
    'call_1: https://masking.example.com answered 502',
  ]);
});
