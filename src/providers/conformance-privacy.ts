import type { LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CANARIES } from '../../test/privacy/canaries.ts';
import { dumpTables } from '../../test/privacy/dump-tables.ts';
import { LeakScan, type Remains } from '../../test/privacy/leak-scan.ts';
import { ACCOUNT } from '../http/testing/real-app.ts';
import { createSpringfield, type SessionAnswer, type Springfield } from '../http/testing/springfield.ts';
import { PUBLIC_URL } from '../http/testing/test-server.ts';
import { invariant } from '../lib/assert.ts';
import { ManualClock } from '../lib/manual-clock.ts';
import type { ProviderBench, UnsignedWebhook, WebhookBench } from './conformance-bench.ts';
import type { WebhookRequest } from './provider.ts';
import { relocateWebhooks } from './testing/relocate-webhooks.ts';

const [CALLER, CALLEE, STRANGER, OTHER] = CANARIES as [string, string, string, string];
const FORGER = 'the secret of another account, just as long';
const SECOND_MS = 1_000;

/**
 * What an adapter leaves behind when real numbers came through its webhooks, believed and not, whole and spoilt
 * (SEC-30), and what a captured one is worth later (SEC-03): through the real HTTP server and a real database.
 */
export function exercisePrivacy(name: string, createBench: () => Promise<ProviderBench>): void {
  describe(`${name}: privacy`, () => {
    let b: ProviderBench;
    let s: Springfield;
    let webhooks: WebhookBench;
    let session: SessionAnswer;
    const answers: Remains[] = [];

    beforeAll(async () => {
      b = await createBench();
      s = await createSpringfield();
      const base = `${PUBLIC_URL}/webhooks/${name.split(' ')[0]}/${ACCOUNT.id}/${ACCOUNT.pathSecret}`;
      webhooks = relocateWebhooks(b.webhooks, base);
      const account = s.accounts.get(ACCOUNT.id);
      invariant(account, 'the town has no provider account');
      s.accounts.set(ACCOUNT.id, { ...account, provider: b.provider, webhookBase: base });
      session = await open();
    });
    afterAll(async () => {
      await b.close();
      await s.close();
    });

    async function deliver(request: WebhookRequest, keep = true): Promise<LightMyRequestResponse> {
      const headers = Object.entries(request.headers).filter(
        (header): header is [string, string] => header[1] !== undefined,
      );
      const answer = await s.http.inject({
        method: request.method as 'GET' | 'POST',
        url: request.url.slice(PUBLIC_URL.length),
        headers: Object.fromEntries(headers),
        ...(request.remoteAddress !== '' && { remoteAddress: request.remoteAddress }),
        ...(request.method === 'POST' && { payload: Buffer.from(request.rawBody) }),
      });
      const text = JSON.stringify(answer.headers) + answer.body;
      if (keep) answers.push({ place: `answer ${answer.statusCode}`, bytes: Buffer.from(text) });
      return answer;
    }
    const open = (): Promise<SessionAnswer> =>
      s.open({
        participants: [
          { role: 'customer', realNumber: CALLER },
          { role: 'driver', realNumber: CALLEE },
        ],
      });
    const ddd = (): string => session.participants[1].virtualNumber;
    const discloses = (answer: LightMyRequestResponse): boolean =>
      (JSON.stringify(answer.headers) + decodeURIComponent(answer.body.replaceAll('%', '%25'))).includes(
        CALLEE.slice(1),
      );
    const spoilt = (webhook: UnsignedWebhook): UnsignedWebhook =>
      webhook.method === 'GET'
        ? { ...webhook, url: `${webhook.url}&x=${encodeURIComponent(OTHER)}&To=%` }
        : {
            ...webhook,
            rawBody: Buffer.concat([Buffer.from(webhook.rawBody).subarray(0, -9), Buffer.from(OTHER)]),
          };

    it('prints no number that came through its webhooks, in log, answers or tables', async () => {
      const at = b.clock.now();
      const sent = [
        webhooks.answer({ callId: 'privacy-1', from: STRANGER, to: ddd() }),
        webhooks.answer({ callId: 'privacy-2', from: CALLER, to: OTHER }),
        webhooks.answer({ callId: 'privacy-3', from: STRANGER, to: OTHER }),
        webhooks.status({ callId: 'privacy-1', event: 'answered', at }),
        webhooks.message({ messageId: 'privacy-4', from: STRANGER, to: ddd(), body: `I am ${STRANGER}` }),
        webhooks.message({ messageId: 'privacy-5', from: CALLER, to: OTHER, body: OTHER }),
      ];
      for (const webhook of sent) {
        await deliver(webhooks.sign(webhook));
        await deliver(webhooks.sign(webhook, { secret: FORGER }));
        await deliver({ ...webhook, remoteAddress: '' });
        await deliver(webhooks.sign(spoilt(webhook)));
      }
      // These are answered with a number, which the provider must be told; what is left of them here must hold none.
      await deliver(webhooks.sign(webhooks.answer({ callId: 'privacy-6', from: CALLER, to: ddd() })), false);
      const text = { messageId: 'privacy-7', from: CALLER, to: ddd(), body: `Call me at ${CALLER}` };
      await deliver(webhooks.sign(webhooks.message(text)), false);
      const scan = new LeakScan([CALLER, CALLEE, STRANGER, OTHER]);
      const log: Remains = { place: 'log', bytes: Buffer.from(s.logLines.join('\n')) };
      const tables = await dumpTables(s.database);
      const sizeOf = (table: string) =>
        tables.find(({ place }) => place === `table ${table}`)?.bytes.length ?? 0;
      expect(answers.length).toBe(4 * sent.length);
      expect(s.logLines.length).toBeGreaterThan(10);
      expect(sizeOf('call')).toBeGreaterThan(100);
      expect(scan.search([log, ...answers, ...tables])).toEqual([]);
      // It would have been found.
      for (const remains of [log, ...answers.slice(0, 1), ...tables.slice(0, 1)]) {
        const planted = { ...remains, bytes: Buffer.concat([remains.bytes, Buffer.from(STRANGER)]) };
        expect(scan.search([planted])).not.toEqual([]);
      }
    });

    it('gives a captured request the same answer for a minute, and no number after that', async () => {
      // Another session: in the first, a call is still under way.
      session = await open();
      const captured = webhooks.sign(webhooks.answer({ callId: 'replay-1', from: CALLER, to: ddd() }));
      const first = await deliver(captured, false);
      expect(discloses(first)).toBe(true);
      let passed = 0;
      const replayAt = async (seconds: number): Promise<LightMyRequestResponse> => {
        const ms = (seconds - passed) * SECOND_MS;
        passed = seconds;
        s.clock.advance(ms);
        if (b.clock instanceof ManualClock && b.clock !== s.clock) b.clock.advance(ms);
        return deliver(captured, false);
      };
      expect((await replayAt(1)).body).toBe(first.body);
      for (const seconds of [61, 301, 25 * 3_600]) {
        expect([seconds, discloses(await replayAt(seconds))]).toEqual([seconds, false]);
      }
      expect(await rowsOf('replay-1')).toBe(1);
    });

    it('gives no number to a captured request once the call has ended', async ({ skip }) => {
      skip(!b.provider.capabilities.statusCallbacks, 'The provider reports no progress.');
      session = await open();
      const callId = 'replay-2';
      const captured = webhooks.sign(webhooks.answer({ callId, from: CALLER, to: ddd() }));
      expect(discloses(await deliver(captured, false))).toBe(true);
      const [termination = 'completed'] = webhooks.terminations;
      const at = b.clock.now();
      const ended = { callId, event: 'ended', at, termination, durationSeconds: 5 } as const;
      await deliver(webhooks.sign(webhooks.status(ended)), false);
      expect(discloses(await deliver(captured, false))).toBe(false);
      expect(await rowsOf(callId)).toBe(1);
    });

    async function rowsOf(callId: string): Promise<number> {
      const listed = (await s.ask(s.key, 'GET', '/v1/calls?limit=200')).json().data;
      return listed.filter((call: { providerCallId: string }) => call.providerCallId === callId).length;
    }
  });
}
