import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readXml } from './testing/read-xml.ts';
import { element, toXmlDocument } from './xml.ts';

describe('toXmlDocument', () => {
  it('nests elements, and leaves out what is undefined', () => {
    const dial = element(
      'Dial',
      { timeout: 25, record: undefined, answerOnBridge: true },
      element('Number', {}, '1'),
    );
    expect(toXmlDocument(element('Response', {}, dial, element('Hangup')))).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>' +
        '<Response><Dial timeout="25" answerOnBridge="true"><Number>1</Number></Dial><Hangup/></Response>',
    );
  });

  it('lets no text become markup', () => {
    const attack = '"/><Dial>+12025550123</Dial><!-- ]]> & \' &amp;';
    const document = toXmlDocument(element('Message', { to: attack }, attack));
    expect(readXml(document)).toEqual({
      name: 'Message',
      attributes: { to: attack },
      elements: [],
      text: attack,
    });
  });

  it('is read back as it was meant, whatever Unicode is in it', () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 });
    fc.assert(
      fc.property(text, text, (attribute, content) => {
        const read = readXml(toXmlDocument(element('A', { b: attribute }, content, element('C'))));
        expect(read.attributes.b).toBe(carriable(attribute));
        expect(read.text).toBe(carriable(content));
      }),
      { numRuns: 500 },
    );
  });

  it('replaces what XML cannot carry', () => {
    expect(readXml(toXmlDocument(element('A', {}, 'a\0b\u001bc\ud800d\uffffe'))).text).toBe(
      'a\ufffdb\ufffdc\ufffdd\ufffde',
    );
  });
});

/** XML 1.0, section 2.2, character by character. */
function carriable(text: string): string {
  return [...text.toWellFormed()]
    .map((character) => {
      const code = character.codePointAt(0) ?? 0;
      const allowed =
        code === 9 ||
        code === 10 ||
        code === 13 ||
        (code >= 0x20 && code <= 0xd7ff) ||
        (code >= 0xe000 && code <= 0xfffd) ||
        code >= 0x10000;
      return allowed ? character : '\ufffd';
    })
    .join('');
}
