import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Webhook } from 'standardwebhooks';
import { systemRandom } from '../lib/random.ts';
import { createGuardedSender } from './guarded-sender.ts';
import { isPublicAddress } from './public-address.ts';
import { createWebhookSecret, signedHeaders } from './sign-webhook.ts';
import { WebhookRefused } from './webhook-sender.ts';

const strict = { allowLoopback: false };
const signal = () => AbortSignal.timeout(2_000);
const request = (url: string) => ({ url, headers: {}, body: '{}' });

/** SEC-20: each leads, in one disguise or another, to an address that is not public. */
const HOSTS = [
  ...[
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '0',
    '0.0.0.0',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '017700000001',
    '0177.0.0.1',
  ],
  ...[
    '127.000.000.001',
    '0x7f.0x0.0x0.0x1',
    '127.255.255.254',
    '10.0.0.1',
    '10.1',
    '0xa000001',
    '012.0.0.1',
    '172.16.0.1',
  ],
  ...[
    '172.31.255.255',
    '192.168.0.1',
    '192.168.1',
    '3232235521',
    '169.254.169.254',
    '0xa9fea9fe',
    '2852039166',
    '0251.0376.0251.0376',
  ],
  ...[
    '100.64.0.1',
    '100.127.255.255',
    '192.0.0.1',
    '192.0.2.1',
    '192.88.99.1',
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.1',
  ],
  ...[
    '203.0.113.1',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '１２７.０.０.１',
    '127。0。0。1',
    '%31%32%37.0.0.1',
  ],
  ...[
    '[::1]',
    '[::]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::ffff:10.0.0.1]',
    '[::ffff:169.254.169.254]',
  ],
  ...[
    '[::127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b::169.254.169.254]',
    '[64:ff9b:1::1]',
    '[2002:7f00:1::]',
    '[2002:a9fe:a9fe::1]',
  ],
  ...[
    '[2001::1]',
    '[2001:0:7f00:1::]',
    '[2001:db8::1]',
    '[2001:10::1]',
    '[2001:20::1]',
    '[3fff::1]',
    '[fc00::1]',
    '[fd00:ec2::254]',
  ],
  ...[
    '[fe80::1]',
    '[fec0::1]',
    '[ff02::1]',
    '[ff05::2]',
    '[100::1]',
    '[5f00::1]',
    '[4000::1]',
    '[::ffff:0:127.0.0.1]',
  ],
  ...[
    'localhost',
    'LOCALHOST',
    'localhost.',
    'a.localhost',
    'printer.local',
    'db.internal',
    'metadata.google.internal',
  ],
  ...['router.home.arpa', 'postgres', 'kafka', 'x.localdomain'],
];
const URLS = [
  ...HOSTS.map((host) => `https://${host}/hook`),
  'http://hooks.example.com/',
  'https://hooks.example.com:80/',
  'https://hooks.example.com:22/',
  'https://hooks.example.com:5432/',
  'https://hooks.example.com:6379/',
  'https://user@hooks.example.com/',
  'https://user:secret@hooks.example.com/',
  'https://hooks.example.com@127.0.0.1/',
  'https://hooks.example.com/#fragment',
  'ftp://hooks.example.com/',
  'file:///etc/passwd',
  'gopher://127.0.0.1:70/',
  'data:text/plain,x',
  'javascript:alert(1)',
  '//hooks.example.com/',
  'https://',
  'not a url',
  `https://hooks.example.com/${'x'.repeat(500)}`,
];

/** A sink on the addresses of this machine that can be bound: it counts whoever connects. */
const sinks: Server[] = [];
let connects = 0;
beforeAll(async () => {
  for (const [host, port] of [
    ['127.0.0.1', 443],
    ['127.0.0.1', 8443],
    ['::1', 8443],
    ['127.0.0.1', 0],
  ] as const) {
    const sink = createServer((socket) => {
      connects++;
      socket.destroy();
    });
    sink.on('error', () => {});
    sink.listen(port, host);
    await Promise.race([once(sink, 'listening'), once(sink, 'error')]);
    sinks.push(sink);
  }
});
afterAll(() => {
  for (const sink of sinks) sink.close();
});

describe('the sender of webhooks', () => {
  test(`refuses all of ${URLS.length} addresses without a connection or a question to a name server`, async () => {
    expect(URLS.length).toBeGreaterThanOrEqual(80);
    let asked = 0;
    const send = createGuardedSender(strict, async () => {
      asked++;
      return ['127.0.0.1'];
    });
    for (const url of URLS) {
      const outcome = await send(request(url), signal()).then(
        () => 'sent',
        (error: unknown) => error,
      );
      expect([url, outcome instanceof WebhookRefused]).toEqual([url, true]);
    }
    expect([asked, connects]).toEqual([0, 0]);
  });

  test.each([
    ['a private one', ['10.0.0.7']],
    ['this machine', ['127.0.0.1']],
    ['the metadata service', ['169.254.169.254']],
    ['a public and a private one', ['93.184.215.14', '192.168.1.1']],
    ['a private one behind a chain of names', ['::ffff:10.0.0.7']],
    ['an IPv6 address with a zone', ['fe80::1%eth0']],
    ['nothing', []],
  ])('refuses a name that leads to %s', async (_what, addresses) => {
    const send = createGuardedSender(strict, async () => addresses);
    await expect(send(request('https://hooks.example.com:8443/'), signal())).rejects.toThrow(WebhookRefused);
    expect(connects).toBe(0);
  });

  test('asks for the addresses of a name once, whatever the second answer would be', async () => {
    // The name server says something public first. What counts is what it said then: 192.0.2.1 is not connected to.
    const answers = [['192.0.2.1'], ['127.0.0.1']];
    let asked = 0;
    const send = createGuardedSender(strict, async () => answers[asked++] ?? ['127.0.0.1']);
    await expect(send(request('https://flip.example.com:8443/'), signal())).rejects.toThrow(WebhookRefused);
    expect([asked, connects]).toEqual([1, 0]);
  });

  test('connects to the address that it has checked, by the name of the URL, and follows no redirect', async () => {
    const seen: { host: string | undefined; body: string; signature: unknown }[] = [];
    const server = createHttp((incoming, outgoing) => {
      let body = '';
      incoming.on('data', (chunk) => (body += chunk));
      incoming.on('end', () => {
        seen.push({ host: incoming.headers.host, body, signature: incoming.headers['webhook-signature'] });
        outgoing.writeHead(302, { location: 'http://127.0.0.1:1/elsewhere' }).end('x'.repeat(100_000));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    // In development a webhook may lead to this machine.
    const send = createGuardedSender({ allowLoopback: true }, async () => ['127.0.0.1']);
    const answer = await send(
      { url: `http://localhost:${port}/hook?x=1`, headers: { 'webhook-signature': 's' }, body: '{"a":1}' },
      signal(),
    );
    expect(answer.status).toBe(302);
    expect(seen).toEqual([{ host: `localhost:${port}`, body: '{"a":1}', signature: 's' }]);
    server.close();
  });
});

test('public is what the registries call so', () => {
  for (const address of [
    '8.8.8.8',
    '1.1.1.1',
    '93.184.215.14',
    '2606:2800:21f:cb07::1',
    '2a00:1450:4001::1',
  ]) {
    expect([address, isPublicAddress(address)]).toEqual([address, true]);
  }
  for (const address of ['', 'example.com', '8.8.8', '8.8.8.8.8', '::8.8.8.8', '2606:2800::1%en0']) {
    expect([address, isPublicAddress(address)]).toEqual([address, false]);
  }
});

test('what is sent is verified by the library that receivers use, and nothing changed is', () => {
  const secret = createWebhookSecret(systemRandom);
  const body = '{"type":"session.closed"}';
  const headers = signedHeaders(secret, { id: 'evt_1', at: Date.now(), body });
  expect(new Webhook(secret).verify(body, headers)).toEqual({ type: 'session.closed' });
  expect(() => new Webhook(secret).verify(`${body} `, headers)).toThrow();
  expect(() => new Webhook(secret).verify(body, { ...headers, 'webhook-id': 'evt_2' })).toThrow();
  expect(() => new Webhook(createWebhookSecret(systemRandom)).verify(body, headers)).toThrow();
  const old = signedHeaders(secret, { id: 'evt_1', at: Date.now() - 6 * 60_000, body });
  expect(() => new Webhook(secret).verify(body, old)).toThrow();
});
