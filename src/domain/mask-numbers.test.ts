import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskNumbers } from './mask-numbers.ts';
import { hiddenNumbers, ordinaryMessages } from './testing/message-corpus.ts';

describe('maskNumbers', () => {
  it('finds at least 95 % of the hidden numbers of the corpus (SEC-43)', () => {
    const texts = hiddenNumbers();
    const missed = texts.filter(({ body }) => maskNumbers(body).masked === 0);
    // What it misses is known by name: number words are English.
    expect([...new Set(missed.map(({ spelling }) => spelling))]).toEqual(['in another language']);
    expect(texts.length).toBeGreaterThanOrEqual(500);
    expect(1 - missed.length / texts.length).toBeGreaterThanOrEqual(0.95);
  });

  it('leaves no four digits of a number that it has found', () => {
    for (const { body, spelling } of hiddenNumbers()) {
      const { body: text, masked } = maskNumbers(body);
      if (masked > 0) expect(text.normalize('NFKC'), spelling).not.toMatch(/\p{Nd}{4}/u);
    }
  });

  it('damages none of the ordinary messages of the corpus (SEC-43)', () => {
    const texts = ordinaryMessages();
    expect(texts.length).toBeGreaterThanOrEqual(500);
    expect(texts.filter((body) => maskNumbers(body).body !== body)).toEqual([]);
  });

  it('masks the number and nothing around it, each of several', () => {
    expect(maskNumbers('ring +44 7700 900 123, or 202-555-0123!')).toEqual({
      body: 'ring +*******, or *******!',
      masked: 2,
    });
  });

  it('masks an order number that is as long as a phone number: it cannot tell them apart', () => {
    expect(maskNumbers('order 2026041700').masked).toBe(1);
  });

  it('ends for every text, and what it leaves has nothing more to mask', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (body) => {
        const once = maskNumbers(body).body;
        expect(maskNumbers(once).body).toBe(once);
      }),
      { numRuns: 300 },
    );
    expect(maskNumbers('1 '.repeat(800)).masked).toBe(1);
  });
});
