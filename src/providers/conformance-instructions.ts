import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ANNOUNCEMENTS, type Announcement } from '../domain/route.ts';
import { toVirtualNumber, type VirtualNumber } from '../domain/virtual-number.ts';
import { invariant } from '../lib/assert.ts';
import { PhoneNumber } from '../privacy/phone-number.ts';
import type { ProviderBench } from './conformance-bench.ts';

/** Two numbers that differ: a real one and one of ours. */
const numberPairs = fc
  .tuple(fc.integer({ min: 100, max: 199 }), fc.integer({ min: 100, max: 199 }))
  .map(([real, ours]) => ({ destination: phone(`+12025550${real}`), ours: virtual(`+12155550${ours}`) }));

const WEBHOOK_URLS = {
  answer: 'https://maskline.test/hooks/answer',
  status: 'https://maskline.test/hooks/status',
  message: 'https://maskline.test/hooks/message',
};

export function exerciseInstructions(name: string, createBench: () => Promise<ProviderBench>): void {
  describe(`${name}: instructions`, () => {
    let b: ProviderBench;
    beforeEach(async () => {
      b = await createBench();
    });
    afterEach(() => b.close());

    it('writes a bridge that reaches the destination, shows the caller id, and holds no third number', () => {
      const limits = fc.tuple(fc.integer({ min: 5, max: 120 }), fc.integer({ min: 10, max: 14_400 }));
      fc.assert(
        fc.property(numberPairs, limits, ({ destination, ours }, [ringTimeoutSeconds, maxCallSeconds]) => {
          const response = b.provider.renderCall(
            {
              decision: 'bridge',
              destination,
              callerId: ours,
              ringTimeoutSeconds,
              maxCallSeconds,
            },
            WEBHOOK_URLS,
          );
          expect(response.status).toBe(200);
          const reading = b.reader.call(response);
          expect(reading).toMatchObject({
            kind: 'bridge',
            destination: destination.reveal(),
            callerId: ours,
          });
          if (reading.kind !== 'bridge') return;
          expect([ringTimeoutSeconds, null]).toContain(reading.ringTimeoutSeconds);
          const cutsOff = b.provider.capabilities.maxDuration;
          const { minimum, maximum } = b.reader.callSeconds ?? { minimum: 0, maximum: 86_400 };
          const limit = Math.min(maximum, Math.max(minimum, maxCallSeconds));
          expect(reading.maxCallSeconds).toBe(cutsOff ? limit : null);
          expect(numbersIn(response.body)).toEqual(new Set([digits(destination.reveal()), digits(ours)]));
        }),
        { numRuns: 200 },
      );
    });

    it('says the sentences of a refusal, word by word and with no number in them', () => {
      for (const announcement of Object.keys(ANNOUNCEMENTS) as Announcement[]) {
        const response = b.provider.renderCall({ decision: 'announce', announcement }, WEBHOOK_URLS);
        const text = b.reader.onlyAnnouncement ?? ANNOUNCEMENTS[announcement];
        expect(b.reader.call(response)).toEqual({ kind: 'announce', text });
        expect(numbersIn(response.body).size).toBe(0);
        expect(b.provider.renderCall({ decision: 'announce', announcement }, WEBHOOK_URLS)).toEqual(response);
      }
    });

    it('rejects without an answer', ({ skip }) => {
      skip(!b.provider.capabilities.rejectUnanswered, 'The provider cannot.');
      const response = b.provider.renderCall({ decision: 'reject' }, WEBHOOK_URLS);
      expect(b.reader.call(response)).toEqual({ kind: 'reject' });
      expect(numbersIn(response.body).size).toBe(0);
    });

    it('asks for a PIN', ({ skip }) => {
      skip(!b.provider.capabilities.collectPin, 'The provider cannot.');
      const response = b.provider.renderCall({ decision: 'collect_pin', digits: 4 }, WEBHOOK_URLS);
      expect(b.reader.call(response)).toEqual({ kind: 'collect_pin', digits: 4 });
      expect(numbersIn(response.body).size).toBe(0);
    });

    it('relays a message as it is, from a number of ours', ({ skip }) => {
      skip(b.provider.capabilities.messageRelay !== 'in_response', 'The answer relays nothing.');
      const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 });
      fc.assert(
        fc.property(numberPairs, text, ({ destination, ours }, body) => {
          const response = b.provider.renderMessage(
            { decision: 'relay', destination, sender: ours, body },
            WEBHOOK_URLS,
          );
          expect(b.reader.message(response)).toEqual({
            kind: 'relay',
            destination: destination.reveal(),
            sender: ours,
            body,
          });
        }),
        { numRuns: 200 },
      );
    });

    it('drops a message, and says no more than that', () => {
      const response = b.provider.renderMessage({ decision: 'drop' }, WEBHOOK_URLS);
      expect(b.reader.message(response)).toEqual({ kind: 'drop' });
      expect(numbersIn(response.body).size).toBe(0);
    });

    it('acknowledges a status callback', () => {
      const { status, body } = b.provider.renderAcknowledgement();
      expect(Math.floor(status / 100)).toBe(2);
      expect(numbersIn(body).size).toBe(0);
    });
  });
}

function numbersIn(body: string): Set<string> {
  return new Set(body.match(/\d{7,}/g));
}

function digits(number: string): string {
  return number.replace(/\D/g, '');
}

function phone(text: string): PhoneNumber {
  const parsed = PhoneNumber.parse(text);
  invariant(parsed, 'a phone number of the suite does not parse');
  return parsed;
}

function virtual(text: string): VirtualNumber {
  const parsed = toVirtualNumber(text);
  invariant(parsed, 'a virtual number of the suite does not parse');
  return parsed;
}
