import type { Packet } from './capture.ts';
import { EDGE, MEDIA, type Party } from './party.ts';

// What of one side may never reach the other, in every form in which it could.

export interface Leak {
  readonly secret: string;
  readonly form: string;
  readonly packet: Packet;
}

/** A number in the ways in which people and systems write it. */
function writings(party: Party): string[] {
  const digits = party.number.slice(1);
  const national = digits.slice(2);
  return [digits, national, national.slice(1), ...party.name.split(' '), party.word, party.address];
}

/** The Call-IDs and tags that a party's phone made up, as the capture shows them. */
export function identifiersOf(party: Party, packets: readonly Packet[]): string[] {
  const found = new Set<string>();
  for (const { from, payload } of packets) {
    if (from !== party.address) continue;
    const text = payload.toString('latin1');
    const header = (name: string) =>
      new RegExp(`^${name}[ \\t]*:[ \\t]*([^\\r\\n]+)`, 'im').exec(text)?.[1] ?? '';
    const tag = (name: string) => /;\s*tag=([^;\s>]+)/i.exec(header(name))?.[1];
    if (text.startsWith('SIP/2.0')) {
      const mine = tag('To');
      if (mine && !/^SIP\/2.0 100/.test(text)) found.add(mine);
    } else if (/^[A-Z]+ sip/.test(text) && !/^To:.*;tag=/im.test(text)) {
      found.add(header('Call-ID').trim());
      const mine = tag('From');
      if (mine) found.add(mine);
    }
  }
  // Shorter ones would be found in anything.
  return [...found].filter((each) => each.length >= 8);
}

/** Everything about a party that must stay on its side. */
export function secretsOf(party: Party, packets: readonly Packet[]): Buffer[] {
  const texts = new Set([...writings(party), ...identifiersOf(party, packets)]);
  return [...texts].map((text) => Buffer.from(text.toLowerCase(), 'latin1'));
}

/** Searches packets for secrets: as they are, in hexadecimal, in base64, under XOR, and as raw address bytes. */
export function findLeaks(
  packets: readonly Packet[],
  secrets: readonly Buffer[],
  knownTexts: readonly string[],
): Leak[] {
  const leaks: Leak[] = [];
  // Four letters turn up by chance in what was decoded or XORed; they are looked for as they are.
  const longEnough = (secret: Buffer, form: string): boolean => form === 'plain' || secret.length >= 7;
  const shapes = secrets.map((secret) => ({ secret, differences: differencesOf(secret) }));
  const rawAddresses = secrets.flatMap((secret) => toRawAddress(secret.toString('latin1')));
  for (const packet of packets) {
    const report = (secret: Buffer, form: string): void => {
      leaks.push({ secret: secret.toString('latin1'), form, packet });
    };
    for (const raw of rawAddresses) if (packet.payload.includes(raw)) report(raw, 'raw address');
    // Sound is not text: what could be in it is found as it is, or under one constant byte.
    const isText = packet.fromPort === 5060 || packet.toPort === 5060;
    for (const [form, bytes] of isText
      ? viewsOf(packet.payload, knownTexts)
      : [['plain', packet.payload] as const]) {
      const lower = lowerCase(bytes);
      const differences = differencesOf(bytes);
      const lowerDifferences = differencesOf(lower);
      for (const shape of shapes) {
        if (!longEnough(shape.secret, form)) continue;
        if (lower.includes(shape.secret)) report(shape.secret, form);
        else if (shape.secret.length < 7) continue;
        else if (differences.includes(shape.differences) || lowerDifferences.includes(shape.differences)) {
          report(shape.secret, `${form}, one-byte XOR`);
        }
      }
    }
  }
  return leaks;
}

/** What goes to a party, by the addresses of edge and relay. */
export function towards(party: Party, packets: readonly Packet[]): Packet[] {
  return packets.filter(({ from, to }) => to === party.address && (from === EDGE || from === MEDIA));
}

/** A payload, and what is written in it in hexadecimal or base64, also XORed with texts that the reader knows. */
function* viewsOf(payload: Buffer, knownTexts: readonly string[]): Iterable<readonly [string, Buffer]> {
  yield ['plain', payload];
  const text = payload.toString('latin1');
  const unescaped = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  if (unescaped !== text) yield ['percent-encoded', Buffer.from(unescaped, 'latin1')];
  for (const [token] of text.matchAll(/[0-9a-f]{12,}/gi)) {
    yield ['hex', Buffer.from(token, 'hex')];
    yield ['hex', Buffer.from(token.slice(1), 'hex')];
  }
  for (const [token] of text.matchAll(/[A-Za-z0-9+/_.-]{12,}/g)) {
    // Kamailio writes `.` and `-` for the last letters and for padding.
    const plain = token.replace(/-+$/, '').replace(/\./g, '/');
    for (let offset = 0; offset < 4; offset++) {
      const decoded = Buffer.from(plain.slice(offset), 'base64');
      yield ['base64', decoded];
      if (offset > 0) continue;
      for (const known of knownTexts)
        yield ['base64, XOR with a known text', xor(decoded, Buffer.from(known))];
    }
  }
}

function xor(bytes: Buffer, key: Buffer): Buffer {
  return Buffer.from(bytes.map((byte, place) => byte ^ (key[place % key.length] ?? 0)));
}

/** Each byte XORed with its successor: the same whatever one byte the whole was XORed with. */
function differencesOf(bytes: Buffer): Buffer {
  const differences = Buffer.alloc(Math.max(0, bytes.length - 1));
  for (let at = 0; at < differences.length; at++) differences[at] = (bytes[at] ?? 0) ^ (bytes[at + 1] ?? 0);
  return differences;
}

function lowerCase(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').toLowerCase(), 'latin1');
}

function toRawAddress(text: string): Buffer[] {
  const parts = text.split('.').map(Number);
  const isAddress =
    parts.length === 4 && parts.every((part) => Number.isInteger(part) && part >= 0 && part < 256);
  return isAddress ? [Buffer.from(parts), Buffer.from(parts.toReversed())] : [];
}
