import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import { invariant } from '../lib/assert.ts';
import type { ProviderBench } from './conformance-bench.ts';
import type { OperatorAnswer } from './conformance-gateway.ts';
import { ProviderError, type ProviderErrorCode, type WebhookUrls } from './provider.ts';

const URLS = {
  answer: 'https://vn.example.com/hooks/account/path/answer',
  status: 'https://vn.example.com/hooks/account/path/status',
  message: 'https://vn.example.com/hooks/account/path/message',
};

/** Answers that no operator should give, and what they mean to us. */
const BAD_ANSWERS: readonly [string, OperatorAnswer, ProviderErrorCode][] = [
  ['a server error', { status: 500, body: 'Internal Server Error' }, 'unavailable'],
  ['a gateway error in HTML', { status: 502, body: '<html><h1>Bad Gateway</h1></html>' }, 'unavailable'],
  ['a page instead of JSON', { status: 200, body: '<!doctype html><p>Welcome</p>' }, 'unavailable'],
  ['nothing', { status: 200, body: '' }, 'unavailable'],
  ['half a JSON document', { status: 200, body: '{"data":[{"virt' }, 'unavailable'],
  ['JSON of another shape', { status: 200, body: '{"hello":"world"}' }, 'unavailable'],
  ['null', { status: 200, body: 'null' }, 'unavailable'],
  ['a redirect', { status: 302, headers: { location: 'https://other.example/' } }, 'unavailable'],
  ['far too much', { status: 200, body: `"${'x'.repeat(3_000_000)}"` }, 'unavailable'],
  ['a refusal of the credentials', { status: 401, body: '{"message":"no"}' }, 'refused'],
  ['a refusal for good', { status: 403, body: '{"message":"no"}' }, 'refused'],
  ['too many requests', { status: 429, headers: { 'retry-after': '17' } }, 'rate_limited'],
];

export function exerciseNumbers(name: string, createBench: () => Promise<ProviderBench>): void {
  describe(`${name}: numbers`, () => {
    let b: ProviderBench;
    const { signal } = new AbortController();
    beforeEach(async ({ skip }) => {
      b = await createBench();
      const sells = b.provider.capabilities.provisioning !== 'none';
      skip(!sells, 'The provider sells no numbers.');
    });
    afterEach(() => b.close());

    const asksAt = (urls: WebhookUrls): WebhookUrls => b.operator.asksAt?.(urls) ?? urls;

    const anyOnSale = async (): Promise<VirtualNumber> => {
      const [found] = await b.provider.searchNumbers({ country: b.operator.country, limit: 1 }, signal);
      invariant(found, 'the operator has nothing on sale');
      return found.virtualNumber;
    };

    /** Every call that the port can make, by name. */
    const calls = (virtualNumber: VirtualNumber): Record<string, (s: AbortSignal) => Promise<unknown>> => {
      const held = { virtualNumber, capabilities: ['voice'], providerNumberId: 'number-1' } as const;
      return {
        searchNumbers: (s) => b.provider.searchNumbers({ country: b.operator.country, limit: 5 }, s),
        provisionNumber: (s) => b.provider.provisionNumber(virtualNumber, URLS, s),
        decommissionNumber: (s) => b.provider.decommissionNumber(held, s),
        readWebhooks: (s) => b.provider.readWebhooks(held, s),
        listNumbers: (s) => b.provider.listNumbers(s),
      };
    };

    it('finds numbers on sale, as many as asked and of the country asked for', async () => {
      const search = { country: b.operator.country, limit: 30 };
      const found = await b.provider.searchNumbers(search, signal);
      expect(new Set(found.map((each) => each.virtualNumber)).size).toBe(30);
      for (const each of found) expect(each.capabilities).toContain('voice');
      expect(await b.provider.searchNumbers({ country: 'AQ', limit: 5 }, signal)).toEqual([]);
    });

    it('buys a number, with the URLs where it shall be asked', async () => {
      const wanted = await anyOnSale();
      const held = await b.provider.provisionNumber(wanted, URLS, signal);
      expect(held).toMatchObject({ virtualNumber: wanted });
      expect(held.providerNumberId).not.toBe('');
      expect((await b.operator.held()).get(wanted)).toEqual(asksAt(URLS));
      expect(await b.provider.listNumbers(signal)).toEqual([held]);
    });

    it('says when a number cannot be had, because somebody has it or nobody sells it', async () => {
      const wanted = await anyOnSale();
      await b.provider.provisionNumber(wanted, URLS, signal);
      for (const each of [wanted, b.operator.notOnSale]) {
        await expect(b.provider.provisionNumber(each, URLS, signal)).rejects.toMatchObject({
          code: 'number_not_available',
        });
      }
    });

    it('finds a purchase again whose answer was lost', async () => {
      const wanted = await anyOnSale();
      const { isPurchase } = b.operator;
      b.operator.gateway.disturb({ kind: 'lost_answer', ...(isPurchase && { only: isPurchase }) });
      await expect(b.provider.provisionNumber(wanted, URLS, signal)).rejects.toMatchObject({
        code: 'unavailable',
      });
      const [found, ...more] = await b.provider.listNumbers(signal);
      expect(found?.virtualNumber).toBe(wanted);
      expect(more).toEqual([]);
    });

    it('lists every number held, over all pages and each once', async () => {
      await b.operator.sell(b.operator.morePages);
      const listed = (await b.provider.listNumbers(signal)).map((each) => each.virtualNumber);
      expect(listed).toHaveLength(b.operator.morePages);
      expect(new Set(listed)).toEqual(new Set((await b.operator.held()).keys()));
    });

    it('gives no list at all when a page of it is missing', async () => {
      await b.operator.sell(b.operator.morePages);
      b.operator.gateway.disturb({ kind: 'none' });
      b.operator.gateway.disturb({ kind: 'lost_answer' });
      await expect(b.provider.listNumbers(signal)).rejects.toMatchObject({ code: 'unavailable' });
    });

    it('points a number elsewhere, and puts back what was there', async () => {
      const wanted = await anyOnSale();
      const held = await b.provider.provisionNumber(wanted, URLS, signal);
      const elsewhere = {
        answer: `${URLS.answer}/2`,
        status: `${URLS.status}/2`,
        message: `${URLS.message}/2`,
      };
      const read = await b.provider.readWebhooks(held, signal);
      expect((await b.operator.held()).get(wanted)).toEqual(asksAt(URLS));
      const before = await b.provider.configureNumber(held, { urls: elsewhere }, signal);
      expect(read).toEqual(before);
      expect((await b.operator.held()).get(wanted)).toEqual(asksAt(elsewhere));
      await b.provider.configureNumber(held, { restore: read }, signal);
      expect((await b.operator.held()).get(wanted)).toEqual(asksAt(URLS));
    });

    it('gives a number back, and does not mind when it is gone already', async () => {
      const held = await b.provider.provisionNumber(await anyOnSale(), URLS, signal);
      await b.provider.decommissionNumber(held, signal);
      expect((await b.operator.held()).size).toBe(0);
      await b.provider.decommissionNumber(held, signal);
    });

    it.each(BAD_ANSWERS)('understands %s', async (what, answer, code) => {
      const wanted = await anyOnSale();
      for (const [call, run] of Object.entries(calls(wanted))) {
        // Many operators confirm a deletion with whatever body they like, so only its status counts.
        if (call === 'decommissionNumber' && answer.status === 200) continue;
        b.operator.gateway.disturb({ kind: 'answer', answer });
        const error: unknown = await run(signal).catch((thrown: unknown) => thrown);
        expect(error, `${call}, ${what}`).toBeInstanceOf(ProviderError);
        expect(error, `${call}, ${what}`).toMatchObject({
          code,
          retryAfterSeconds: answer.status === 429 ? 17 : null,
        });
        for (const secret of b.secrets) expect(inspect(error, { depth: 9 })).not.toContain(secret);
      }
    });

    it('understands a pause until a date', async () => {
      const until = new Date(b.clock.now() + 90_000).toUTCString();
      const answer = { status: 429, headers: { 'retry-after': until }, body: '{}' };
      for (const [call, run] of Object.entries(calls(await anyOnSale()))) {
        b.operator.gateway.disturb({ kind: 'answer', answer });
        const error: unknown = await run(signal).catch((thrown: unknown) => thrown);
        expect(error, call).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 90 });
      }
    });

    it.each(BAD_ANSWERS)(
      'understands %s to the purchase itself, which buys nothing',
      async (_, answer, code) => {
        const wanted = await anyOnSale();
        const only = b.operator.isPurchase ?? (({ method }) => method === 'POST');
        b.operator.gateway.disturb({ kind: 'answer', answer, only });
        const error: unknown = await b.provider
          .provisionNumber(wanted, URLS, signal)
          .catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(ProviderError);
        expect(error).toMatchObject({ code, retryAfterSeconds: answer.status === 429 ? 17 : null });
        expect(inspect(error, { depth: 9 })).not.toContain(wanted.slice(1));
        expect((await b.operator.held()).size).toBe(0);
      },
    );

    it('gives up when it is told to, and when the connection breaks', async () => {
      const wanted = await anyOnSale();
      for (const [call, run] of Object.entries(calls(wanted))) {
        const leaving = new AbortController();
        b.operator.gateway.disturb({ kind: 'silence' });
        const arrived = b.operator.gateway.arrival();
        const waiting = run(leaving.signal).catch((thrown: unknown) => thrown);
        await arrived;
        leaving.abort();
        expect(await waiting, call).toMatchObject({ code: 'unavailable' });
        const before = b.operator.gateway.requests.length;
        await expect(run(leaving.signal), call).rejects.toMatchObject({ code: 'unavailable' });
        expect(b.operator.gateway.requests.length, `${call} asked although it was too late`).toBe(before);
      }
      await b.operator.gateway.stop();
      await expect(b.provider.listNumbers(signal)).rejects.toMatchObject({ code: 'unavailable' });
    });
  });
}
