import { describe, expect, it } from 'vitest';
import type { Packet } from './capture.ts';
import { readPackets } from './capture.ts';
import { findLeaks, identifiersOf, secretsOf, towards } from './leaks.ts';
import { ALICE, DAVE, EDGE, MEDIA } from './party.ts';

const SHOWN = '+441632960000';
const uri = `sip:${ALICE.number}@${ALICE.address}`;

function packet(payload: string | Buffer, from: string = EDGE, port = 5060): Packet {
  return { from, fromPort: port, to: DAVE.address, toPort: port, payload: Buffer.from(payload) };
}

function xored(text: string, key: string): string {
  return Buffer.from(
    [...text].map((each, at) => each.charCodeAt(0) ^ key.charCodeAt(at % key.length)),
  ).toString('base64');
}

describe('the search for leaks', () => {
  const search = (payload: string | Buffer, port?: number) =>
    findLeaks([packet(payload, EDGE, port)], secretsOf(ALICE, []), [SHOWN, `sip:${SHOWN}@${EDGE}`]);

  // Whatever this finds planted, it would find leaked.
  it.each([
    ['a number', `X: ${ALICE.number}`],
    ['a national number', 'X: 07700900123'],
    ['a name in capitals', 'X: REALNAME'],
    ['an address', `c=IN IP4 ${ALICE.address}`],
    ['hexadecimal', `User-to-User: ${Buffer.from(ALICE.number).toString('hex')}`],
    ['hexadecimal in capitals', `X: ${Buffer.from(ALICE.number).toString('hex').toUpperCase()}`],
    ['base64', `Identity: eyJ.${Buffer.from(`{"tn":"${ALICE.number}"}`).toString('base64url')}.c2ln`],
    ['base64 off its border', `X: a${Buffer.from(`xx${ALICE.number}`).toString('base64')}`],
    [
      'percent signs',
      `X: ${[...ALICE.number].map((each) => `%${each.charCodeAt(0).toString(16)}`).join('')}`,
    ],
    [
      'the XOR of two URIs, as Kamailio writes it',
      `Record-Route: <sip:${EDGE};vsf=${xored(uri, `sip:${SHOWN}@${EDGE}`)}>`,
    ],
    ['one-byte XOR', Buffer.from([...ALICE.number].map((each) => each.charCodeAt(0) ^ 0x5a))],
    [
      'one-byte XOR in base64',
      `X: ${Buffer.from([...ALICE.number].map((each) => each.charCodeAt(0) ^ 0x13)).toString('base64')}`,
    ],
    ['raw address bytes', Buffer.concat([Buffer.from('X: '), Buffer.from([127, 0, 10, 1])])],
  ])('finds %s', (_, payload) => {
    expect(search(payload)).not.toEqual([]);
  });

  it('finds the name of an RTCP packet', () => {
    const sdes = Buffer.concat([Buffer.from([0x81, 202, 0, 9, 0, 0, 0, 1, 1, 30]), Buffer.from(uri)]);
    expect(search(sdes, 20_001)).not.toEqual([]);
  });

  it('finds nothing in what says nothing', () => {
    const message = `INVITE sip:${DAVE.number}@${DAVE.address} SIP/2.0\r\nFrom: <sip:${SHOWN}@${EDGE}>;tag=925d6726-0b50-43be-a8c2-89bfa66f5cf5\r\nCall-ID: 925d6726-0b50-43be-a8c2-89bfa66f5cf5\r\n`;
    expect(search(message)).toEqual([]);
  });

  it('learns the identifiers that a phone makes up, and only those', () => {
    const request = `INVITE sip:x@${EDGE} SIP/2.0\r\nFrom: <sip:a>;tag=tag-of-the-caller\r\nTo: <sip:x>\r\nCall-ID: call-id-of-the-caller\r\n`;
    const reply = `SIP/2.0 180 Ringing\r\nFrom: <sip:a>;tag=tag-of-the-edge\r\nTo: <sip:x>;tag=tag-of-the-callee\r\nCall-ID: key-of-the-edge\r\n`;
    const packets = [packet(request, ALICE.address), packet(reply, DAVE.address), packet(request, MEDIA)];
    expect(identifiersOf(ALICE, packets)).toEqual(['call-id-of-the-caller', 'tag-of-the-caller']);
    expect(identifiersOf(DAVE, packets)).toEqual(['tag-of-the-callee']);
    expect(towards(DAVE, packets)).toHaveLength(1);
  });

  it('does not take an empty file for a capture', () => {
    expect(() => readPackets(Buffer.alloc(0))).toThrow(/no capture/);
  });
});
