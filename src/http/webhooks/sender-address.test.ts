import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { senderAddressReader } from './sender-address.ts';

function read(trusted: readonly string[], peer: string, forwarded?: string): string {
  const raw = { socket: { remoteAddress: peer }, headers: { 'x-forwarded-for': forwarded } };
  return senderAddressReader(trusted)(raw as unknown as IncomingMessage);
}

test.each([
  [[], '10.0.0.7', '203.0.113.9', '10.0.0.7'],
  [['10.0.0.0/8'], '10.0.0.7', undefined, '10.0.0.7'],
  [['10.0.0.0/8'], '192.0.2.1', '203.0.113.9', '192.0.2.1'],
  [['10.0.0.0/8'], '10.0.0.7', '203.0.113.9', '203.0.113.9'],
  [['10.0.0.0/8'], '10.0.0.7', '203.0.113.9, 198.51.100.1', '198.51.100.1'],
  [['10.0.0.0/8'], '10.0.0.7', '203.0.113.9,  10.0.0.8', '203.0.113.9'],
  [['10.0.0.7'], '::ffff:10.0.0.7', '203.0.113.9', '203.0.113.9'],
  [['uniquelocal', 'loopback'], 'fd00::1', '203.0.113.9, 127.0.0.1', '203.0.113.9'],
  // Nobody but proxies: the one furthest away.
  [['10.0.0.0/8'], '10.0.0.7', '10.1.1.1, 10.2.2.2', '10.1.1.1'],
  // Words of a stranger are no address of a proxy, so nothing left of them is believed.
  [['10.0.0.0/8'], '10.0.0.7', '10.1.1.1, unknown', 'unknown'],
] as const)('with %j trusted, %s that forwards %s is %s', (trusted, peer, forwarded, expected) => {
  expect(read(trusted, peer, forwarded)).toBe(expected);
});

test.each(['proxy.internal', '10.0.0.0/33', '10.0.0.0/', '::1/129', ''])(
  'no entry is trusted that is "%s"',
  (entry) => {
    expect(() => senderAddressReader([entry])).toThrow(/trusted proxy/);
  },
);
