import { describe, expect, it } from 'vitest';
import { isCarrierKeyword } from './carrier-keyword.ts';
import { TEXT_CHARACTERS_MAXIMUM, toRelayedText } from './relayed-text.ts';

const strict = { attachments: false, maskNumbers: false };
const picture = { body: 'Here', attachments: 1, mediaUrls: ['https://media.example/1'] };

describe('toRelayedText', () => {
  it('leaves attachments behind with a notice, unless the pool allows them', () => {
    expect(toRelayedText(picture, strict)).toEqual({
      body: 'Here\n[An attachment was not passed on.]',
      mediaUrls: [],
    });
    expect(toRelayedText(picture, { ...strict, attachments: true })).toEqual({
      body: 'Here',
      mediaUrls: picture.mediaUrls,
    });
  });

  it('tells of attachments that it cannot pass on although it may, and of those that came without words', () => {
    const allowed = { ...strict, attachments: true };
    expect(
      toRelayedText({ body: ' ', attachments: 3, mediaUrls: ['https://media.example/1'] }, allowed),
    ).toEqual({
      body: '[2 attachments were not passed on.]',
      mediaUrls: ['https://media.example/1'],
    });
  });

  it('masks numbers only where the pool says so', () => {
    const text = { body: 'call 202-555-0123', attachments: 0, mediaUrls: [] };
    expect(toRelayedText(text, strict).body).toBe(text.body);
    expect(toRelayedText(text, { ...strict, maskNumbers: true }).body).toBe('call *******');
  });

  it('keeps the notice when the text is too long, and breaks no character', () => {
    const long = { body: '🚪'.repeat(2_000), attachments: 1, mediaUrls: [] };
    const { body } = toRelayedText(long, strict);
    expect(body.length).toBeLessThanOrEqual(TEXT_CHARACTERS_MAXIMUM);
    expect(body).toMatch(/🚪\n\[An attachment was not passed on\.\]$/u);
    expect(body.isWellFormed()).toBe(true);
  });
});

describe('isCarrierKeyword', () => {
  it.each(['STOP', ' stop. ', 'Stop All', 'unsubscribe', 'ＳＴＯＰ', 'START', 'opt-out'])(
    'knows %j',
    (body) => {
      expect(isCarrierKeyword(body)).toBe(true);
    },
  );

  it.each(['stop at the gate', 'cancel', 'yes', 'Please stop', '', 'help', 'starting now'])(
    'lets %j through',
    (body) => {
      expect(isCarrierKeyword(body)).toBe(false);
    },
  );
});
