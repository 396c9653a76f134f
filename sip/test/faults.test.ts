import { createSocket } from 'node:dgram';
import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../test/system/product.ts';
import { Bench, type Contacts } from './parts/bench.ts';
import { ALICE, DAVE, EDGE, STRANGER_ADDRESS } from './parts/party.ts';
import { plainInvite, WirePhone } from './parts/wire-phone.ts';

// A slow, broken, lying or absent Maskline; and callers who are no callers.

const FAULT_MS = 1_000;
const BREAKER_MS = 100;

let bench: Bench;
let alice: WirePhone;
let dave: WirePhone;
let contacts: Contacts;
beforeAll(async () => {
  bench = await Bench.start({ EDGE_CALLS_PER_SECOND: '400' });
  [alice, dave] = await Promise.all([WirePhone.listen(ALICE), WirePhone.listen(DAVE)]);
  contacts = await bench.session();
});
afterAll(async () => {
  alice?.close();
  dave?.close();
  await bench?.stop();
});
afterEach(() => {
  dave.heard.length = 0;
});

/** Calls until Maskline is trusted again: a number that is none of ours is refused by Maskline itself. */
async function recovered(): Promise<void> {
  bench.middleman.mood = null;
  await until('the edge to trust Maskline again', async () => {
    const { status } = await alice.ask(plainInvite({ from: ALICE, to: '+441632960777' }));
    return status === 404;
  });
}

const reply = (
  status: number,
  body: string,
  headers: Record<string, string> = { 'content-type': 'application/json' },
) => {
  return (_request: unknown, _body: unknown, response: ServerResponse): void => {
    response.writeHead(status, headers).end(body);
  };
};
const bridge = (change: object) =>
  reply(
    200,
    JSON.stringify({
      ...{ decision: 'bridge', destination: DAVE.number, callerId: '+441632960000' },
      ...{ ringTimeoutSeconds: 25, maxCallSeconds: 3600, sessionId: 's' },
      ...change,
    }),
  );

describe('Maskline at its worst', () => {
  it.each([
    ['an error', reply(500, '{"code":"MASK_INTERNAL"}')],
    ['a gateway error in HTML', reply(502, '<html>Bad Gateway</html>')],
    ['a page', reply(200, '<!doctype html><p>Welcome</p>')],
    ['nothing', reply(200, '')],
    ['half a document', reply(200, '{"decision":"bri')],
    ['a decision that does not exist', reply(200, '{"decision":"conference"}')],
    ['a list', reply(200, '[1,2,3]')],
    ['null', reply(200, 'null')],
    ['a redirect', reply(302, '', { location: 'http://127.0.0.1:9/' })],
    ['no permission', reply(403, '{}')],
    ['a bridge without destination', bridge({ destination: undefined })],
    ['a bridge without caller id', bridge({ callerId: null })],
    ['a destination with a header in it', bridge({ destination: `${DAVE.number}\r\nX-Evil: 1` })],
    ['a destination that is an address', bridge({ destination: 'sip:evil@127.0.20.1' })],
    ['a caller id that is a name', bridge({ callerId: 'Alice' })],
    ['a destination that is a script', bridge({ destination: '$env(PATH)' })],
    ['a call without end', bridge({ maxCallSeconds: 999_999 })],
    ['a call of no time', bridge({ maxCallSeconds: 0 })],
    ['its own lateness', reply(200, '{"decision":"announce","reason":"too_late","announcement":"…"}')],
    ['far too much', reply(200, `{"decision":"bridge","x":"${'y'.repeat(1_000_000)}"}`)],
    ['a broken connection', (_a: unknown, _b: unknown, response: ServerResponse) => void response.destroy()],
    ['silence', () => undefined],
  ])('answers %s with 503 within a second, and rings nobody', async (_, mood) => {
    await recovered();
    bench.middleman.mood = mood;
    const { status, ms } = await alice.ask(plainInvite({ from: ALICE, to: contacts.ddd }));
    expect(status).toBe(503);
    expect(ms).toBeLessThan(FAULT_MS);
    expect(dave.texts()).toEqual([]);
  });

  it('answers 503 at once while Maskline is down, and connects again by itself', async () => {
    await recovered();
    bench.middleman.mood = reply(500, '{}');
    const call = () => alice.ask(plainInvite({ from: ALICE, to: contacts.ddd }));
    for (let fault = 0; fault < 3; fault++) await call();
    const asked = bench.middleman.seen.length;
    const quick = await call();
    expect(quick).toMatchObject({ status: 503 });
    expect(quick.ms).toBeLessThan(BREAKER_MS);
    // One a second finds out; the others do not even ask.
    expect(bench.middleman.seen.length - asked).toBeLessThanOrEqual(3);
    await recovered();
  });

  it('answers within a second while the service is frozen, and connects when it thaws', async () => {
    await recovered();
    process.kill(bench.servicePid, 'SIGSTOP');
    try {
      for (let call = 0; call < 5; call++) {
        const { status, ms } = await alice.ask(plainInvite({ from: ALICE, to: contacts.ddd }));
        expect(status).toBe(503);
        expect(ms).toBeLessThan(FAULT_MS);
      }
      expect(dave.texts()).toEqual([]);
    } finally {
      process.kill(bench.servicePid, 'SIGCONT');
    }
    await recovered();
    const invite = plainInvite({ from: ALICE, to: contacts.ddd });
    alice.say(invite);
    await until('the phone of the driver', () => dave.texts().some((text) => text.startsWith('INVITE')));
    const rung = dave.texts().find((text) => text.startsWith('INVITE')) ?? '';
    dave.say(refusalOf(rung));
    await until('the end', () => alice.texts().some((text) => text.startsWith('SIP/2.0 486')));
  });
});

describe('a question', () => {
  it('goes out over a connection that is kept, of which each worker has one', async () => {
    await recovered();
    const [before, asked] = [bench.middleman.connections, bench.middleman.seen.length];
    for (let call = 0; call < 30; call++)
      expect((await alice.ask(plainInvite({ from: ALICE, to: '+441632960777' }))).status).toBe(404);
    expect(bench.middleman.seen.length - asked).toBeGreaterThanOrEqual(30);
    // 16 ask by default.
    expect(bench.middleman.connections - before).toBeLessThanOrEqual(16);
  });
});

describe('reports', () => {
  it('wait while Maskline takes none, and make the record whole afterwards', async () => {
    const { ddd, sessionId } = await bench.session();
    bench.middleman.mood = (request, body, response) => {
      if (request.url?.endsWith('/status')) response.writeHead(503).end();
      else bench.middleman.pass(request, body, response);
    };
    const before = bench.middleman.reports().length;
    alice.say(plainInvite({ from: ALICE, to: ddd }));
    await until('the phone of the driver', () => dave.texts().some((text) => text.startsWith('INVITE')));
    dave.say(refusalOf(dave.texts().find((text) => text.startsWith('INVITE')) ?? ''));
    // Twice refused: once at once, once a second later.
    await until('the second try', () => bench.middleman.reports().length >= before + 2);
    expect((await bench.calls(sessionId)).map(({ state }) => state)).not.toContain('ended');
    bench.middleman.mood = null;
    expect(await bench.ended(sessionId)).toMatchObject({
      termination: 'busy',
      nativeCause: expect.stringContaining('sip=486'),
    });
  });
});

describe('who is no caller', () => {
  it('gets no answer at all from an address that is not known, whatever it asks', async () => {
    const stranger = await WirePhone.listen({ address: STRANGER_ADDRESS });
    const party = { ...ALICE, address: STRANGER_ADDRESS };
    for (const method of ['OPTIONS', 'REGISTER', 'INVITE', 'MESSAGE', 'SUBSCRIBE', 'BYE', 'ACK']) {
      stranger.say(plainInvite({ from: party, to: contacts.ddd, method }));
    }
    // An answer to a friend, asked afterwards, shows that the edge has been through all of them.
    expect((await alice.ask(plainInvite({ from: ALICE, to: ALICE.number, method: 'OPTIONS' }))).status).toBe(
      200,
    );
    expect(stranger.texts()).toEqual([]);
    expect(dave.texts()).toEqual([]);
    stranger.close();
  });

  it.each([
    ['no Content-Length', (text: string) => text.replace(/Content-Length.*\n/, ''), 400],
    [
      'two Contacts',
      (text: string) => text.replace('Max-Forwards', 'Contact: <sip:a@127.0.0.1>\nMax-Forwards'),
      400,
    ],
    ['no SDP', (text: string) => text.replace('application/sdp', 'text/html'), 488],
    ['a video stream as well', (text: string) => withMoreBody(text, 'm=video 6002 RTP/AVP 96\r\n'), 488],
    [
      'an extension that we would have to understand',
      (text: string) => text.replace('Max-Forwards', 'Require: 100rel\nMax-Forwards'),
      420,
    ],
    ['no hops left', (text: string) => text.replace('Max-Forwards: 70', 'Max-Forwards: 0'), 483],
    ['a SUBSCRIBE', (text: string) => text.replace(/INVITE/g, 'SUBSCRIBE'), 405],
  ])('is refused with %s', async (_, spoil, expected) => {
    const { status } = await alice.ask(spoil(plainInvite({ from: ALICE, to: contacts.ddd })));
    expect(status).toBe(expected);
    expect(dave.texts()).toEqual([]);
  });

  it('cannot speak inside somebody else’s call', async () => {
    alice.say(plainInvite({ from: ALICE, to: contacts.ddd }));
    await until('the phone of the driver', () => dave.heard.length > 0);
    const key = /^Call-ID: (\S+)/im.exec(dave.texts()[0] ?? '')?.[1] ?? '';
    const intruder = plainInvite({ from: ALICE, to: key, method: 'BYE' }).replace(
      /^To: .*/m,
      `To: <sip:${key}@${EDGE}>;tag=${key}`,
    );
    expect((await alice.ask(intruder)).status).toBe(481);
    dave.say(refusalOf(dave.texts()[0] ?? ''));
  });

  it('is slowed down when one trunk floods, and is heard again afterwards; another trunk is heard all the time', async () => {
    // Maskline is quick, so that what is measured is the edge.
    bench.middleman.mood = reply(200, '{"decision":"reject","reason":"unknown_caller"}');
    const flood = createSocket('udp4');
    flood.bind(5070, ALICE.address);
    let refused = 0;
    let firstRefusedMs = Number.POSITIVE_INFINITY;
    const from = performance.now();
    let heard = 0;
    flood.on('message', (message) => {
      if (message.toString('latin1', 0, 11) === 'SIP/2.0 503') refused++;
      if (refused === 1) firstRefusedMs = Math.min(firstRefusedMs, performance.now() - from);
      heard++;
    });
    const extra = `P-Asserted-Identity: <sip:+447700900999@${ALICE.address}>\n`;
    let over = false;
    const others = (async (): Promise<number[]> => {
      const statuses: number[] = [];
      while (!over) statuses.push((await dave.ask(plainInvite({ from: DAVE, to: '+441632960777' }))).status);
      return statuses;
    })();
    // 2,000 a second: a burst at once would only fill the socket of the edge.
    for (let call = 0; call < 4_000; call++) {
      if (call % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      const text = plainInvite({
        from: ALICE,
        to: '+441632960777',
        extra,
        port: 5070,
        callId: `flood-${call}`,
      });
      flood.send(text.replace(/\r?\n/g, '\r\n'), 5060, EDGE);
    }
    over = true;
    const statuses = await others;
    expect(statuses.length).toBeGreaterThan(5);
    expect(statuses.filter((status) => status !== 404)).toEqual([]);
    await until('refusals', () => refused > 500);
    expect(firstRefusedMs).toBeLessThan(2_000);
    expect(heard).toBeGreaterThan(refused);
    bench.middleman.mood = null;
    await until(
      'the trunk to be heard again',
      async () => (await alice.ask(plainInvite({ from: ALICE, to: '+441632960777' }))).status === 404,
    );
    flood.close();
  });
});

function refusalOf(invite: string): string {
  const line = (name: string) => new RegExp(`^${name}: .*$`, 'gim').exec(invite)?.[0] ?? '';
  const vias = [...invite.matchAll(/^Via: .*$/gim)].map(([via]) => via.trimEnd()).join('\n');
  return `SIP/2.0 486 Busy\n${vias}\n${line('From').trimEnd()}\n${line('To').trimEnd()};tag=davephone\n${line('Call-ID').trimEnd()}\n${line('CSeq').trimEnd()}\nContent-Length: 0\n\n`;
}

function withMoreBody(text: string, more: string): string {
  return (
    text.replace(
      /Content-Length: (\d+)/,
      (_, length: string) => `Content-Length: ${Number(length) + more.length}`,
    ) + more
  );
}
