import { WITHHELD_FORMS } from './testing/withheld-forms.ts';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fuzzRuns } from '../lib/testing/fuzz-runs.ts';
import { PhoneNumber } from '../privacy/phone-number.ts';
import type { ProviderBench, UnsignedWebhook } from './conformance-bench.ts';
import { mutationsOf } from './conformance-mutations.ts';
import { ProviderError, type WebhookKind } from './provider.ts';

/** SEC-01: as many as the security targets ask of each genuine request. */
const MUTATIONS_MINIMUM = 40;
const KINDS: readonly WebhookKind[] = ['answer', 'status', 'message'];

const CALLER = '+12025550101';
const DIALLED = '+12155550150';

export function exerciseWebhooks(name: string, createBench: () => Promise<ProviderBench>): void {
  describe(`${name}: webhooks`, () => {
    let b: ProviderBench;
    beforeEach(async () => {
      b = await createBench();
    });
    afterEach(() => b.close());

    const genuine = (kind: WebhookKind): UnsignedWebhook => {
      const { answer, status, message } = b.webhooks;
      if (kind === 'answer') return answer({ callId: 'call-1', from: CALLER, to: DIALLED });
      if (kind === 'status') return status({ callId: 'call-1', event: 'answered', at: b.clock.now() });
      return message({ messageId: 'message-1', from: CALLER, to: DIALLED, body: 'I am at the door' });
    };

    const parse = (kind: WebhookKind, webhook: UnsignedWebhook) =>
      b.provider.parseWebhook(kind, b.webhooks.sign(webhook));

    it('declares at least two factors of authenticity', () => {
      expect(new Set(b.provider.capabilities.authenticityFactors).size).toBeGreaterThanOrEqual(2);
    });

    it.each(KINDS)('believes a genuine %s webhook', (kind) => {
      expect(b.provider.isAuthentic(b.webhooks.sign(genuine(kind)))).toBe(true);
    });

    it.each(KINDS)('believes no changed %s webhook', (kind) => {
      const request = b.webhooks.sign(genuine(kind));
      const mutations = mutationsOf(request, b.webhooks);
      const believed = [...mutations].filter(([, mutated]) => b.provider.isAuthentic(mutated));
      expect(believed.map(([change]) => change)).toEqual([]);
      if (b.provider.capabilities.authenticityFactors.includes('signature')) {
        expect(mutations.size).toBeGreaterThanOrEqual(MUTATIONS_MINIMUM);
      }
    });

    it('believes no proof of another request or of another account', () => {
      const [one, two] = [b.webhooks.sign(genuine('answer')), b.webhooks.sign(genuine('message'))];
      const proof = (headers: typeof one.headers) =>
        Object.fromEntries(b.webhooks.proofHeaders.map((header) => [header, headers[header]]));
      if (b.webhooks.covers.has('body')) {
        const mixed = { ...one, headers: { ...one.headers, ...proof(two.headers) } };
        expect(b.provider.isAuthentic(mixed)).toBe(false);
      }
      const forged = b.webhooks.sign(genuine('answer'), {
        secret: 'the secret of another account, just as long',
      });
      expect(b.provider.isAuthentic(forged)).toBe(false);
    });

    it('believes a proof that carries a time only around that time', ({ skip }) => {
      const { toleranceSeconds } = b.webhooks;
      skip(toleranceSeconds === null, 'The proof carries no time.');
      const tolerance = (toleranceSeconds ?? 0) * 1_000;
      const signedAt = (offset: number) =>
        b.provider.isAuthentic(b.webhooks.sign(genuine('answer'), { at: b.clock.now() + offset }));
      expect([-tolerance, 0, tolerance - 1_000].map(signedAt)).toEqual([true, true, true]);
      const outside = [-tolerance - 1_000, tolerance + 1_000, -25 * 3_600_000, 25 * 3_600_000];
      expect(outside.map(signedAt)).toEqual([false, false, false, false]);
    });

    it('believes nothing that strangers make up, and never throws', () => {
      const headers = fc.dictionary(
        fc.constantFrom(...b.webhooks.proofHeaders, 'content-type', 'host'),
        fc.string({ unit: 'binary', maxLength: 100 }),
      );
      const url = fc.oneof(fc.webUrl({ withQueryParameters: true }), fc.string(), fc.constant(''));
      fc.assert(
        fc.property(url, headers, fc.uint8Array({ maxLength: 200 }), (madeUp, made, rawBody) => {
          const request = { method: 'POST', url: madeUp, headers: made, rawBody, remoteAddress: '' };
          expect(b.provider.isAuthentic(request)).toBe(false);
        }),
        fuzzRuns(100),
      );
    });

    it('reads a call', () => {
      const fields = { callId: 'call-7', from: CALLER, to: DIALLED };
      const parsed = parse('answer', b.webhooks.answer(fields));
      expect(parsed).toMatchObject({
        kind: 'answer',
        request: { providerCallId: 'call-7', calledNumber: DIALLED, attestation: null, digits: null },
      });
      expect(parsed.kind === 'answer' && parsed.request.callingNumber?.reveal()).toBe(CALLER);
      expect(JSON.stringify(parsed)).not.toContain(CALLER);
      if (b.provider.capabilities.attestation) {
        for (const attestation of ['A', 'B', 'C'] as const) {
          const attested = parse('answer', b.webhooks.answer({ ...fields, attestation }));
          expect(attested).toMatchObject({ request: { attestation } });
        }
      }
      if (b.provider.capabilities.collectPin) {
        const keyedIn = parse('answer', b.webhooks.answer({ ...fields, digits: '0042' }));
        expect(keyedIn).toMatchObject({ request: { digits: '0042' } });
      }
    });

    it('knows no calling number when it is withheld or is none', () => {
      for (const from of [null, '+266696687x', ...WITHHELD_FORMS]) {
        const parsed = parse('answer', b.webhooks.answer({ callId: 'call-1', from, to: DIALLED }));
        expect(parsed, String(from)).toMatchObject({ kind: 'answer', request: { callingNumber: null } });
      }
    });

    it('knows no called number when it is none', () => {
      const parsed = parse('answer', b.webhooks.answer({ callId: 'call-1', from: CALLER, to: 'front desk' }));
      expect(parsed).toMatchObject({ kind: 'answer', request: { calledNumber: null } });
    });

    it('reads how a call goes on', ({ skip }) => {
      skip(!b.provider.capabilities.statusCallbacks, 'The provider reports no progress.');
      const at = b.clock.now();
      for (const event of b.webhooks.progress ?? (['ringing', 'answered'] as const)) {
        const parsed = parse('status', b.webhooks.status({ callId: 'call-9', event, at }));
        expect(parsed).toEqual({
          kind: 'status',
          callback: { providerCallId: 'call-9', legStatus: { status: event, at } },
        });
      }
      for (const termination of b.webhooks.terminations) {
        const ended = { callId: 'call-9', event: 'ended', at, termination, durationSeconds: 61 } as const;
        expect(parse('status', b.webhooks.status(ended))).toMatchObject({
          kind: 'status',
          callback: {
            providerCallId: 'call-9',
            legStatus: { status: 'ended', at, termination, durationSeconds: 61 },
          },
        });
      }
    });

    it('reads a message', ({ skip }) => {
      skip(!b.provider.capabilities.messages, 'The provider carries no messages.');
      const body = 'Where are you?\n“Gate 4” 🚪 & <co>';
      const parsed = parse(
        'message',
        b.webhooks.message({ messageId: 'message-3', from: CALLER, to: DIALLED, body }),
      );
      expect(parsed).toMatchObject({
        kind: 'message',
        message: { providerMessageId: 'message-3', calledNumber: DIALLED, body, attachments: 0 },
      });
      const sender = parsed.kind === 'message' ? parsed.message.sendingNumber : null;
      expect(sender?.equals(PhoneNumber.parse(CALLER) as PhoneNumber)).toBe(true);
    });

    it.each(KINDS)('says that a %s webhook is malformed, and not what is in it', (kind) => {
      const webhook = genuine(kind);
      const payload = payloadOf(webhook);
      const spoilt = fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.json().map((text) => new TextEncoder().encode(text)),
        fc.nat({ max: payload.length - 1 }).map((length) => payload.slice(0, length)),
      );
      fc.assert(
        fc.property(spoilt, (spoiltPayload) => {
          try {
            parse(kind, withPayload(webhook, spoiltPayload));
          } catch (error) {
            expect(error).toBeInstanceOf(ProviderError);
            expect(error).toMatchObject({ code: 'malformed' });
            expect((error as Error).message).not.toMatch(/\d{7,}/);
          }
        }),
        fuzzRuns(300),
      );
      const blank = [new Uint8Array(), new Uint8Array(2 ** 20).fill(0x20)];
      for (const each of blank) expect(() => parse(kind, withPayload(webhook, each))).toThrow(ProviderError);
    });
  });
}

/** What a webhook says: the body, or the query of a GET. */
function payloadOf({ method, url, rawBody }: UnsignedWebhook): Uint8Array {
  return method === 'GET' ? new TextEncoder().encode(new URL(url).search.slice(1)) : rawBody;
}

function withPayload(webhook: UnsignedWebhook, payload: Uint8Array): UnsignedWebhook {
  if (webhook.method !== 'GET') return { ...webhook, rawBody: payload };
  return { ...webhook, url: `${webhook.url.split('?')[0]}?${Buffer.from(payload).toString('latin1')}` };
}
