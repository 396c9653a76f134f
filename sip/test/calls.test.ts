import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Bench, type Contacts } from './parts/bench.ts';
import { Capture, type Packet } from './parts/capture.ts';
import { findLeaks, identifiersOf, secretsOf, towards } from './parts/leaks.ts';
import { ALICE, DAVE, EDGE, MEDIA, type Party } from './parts/party.ts';
import { CalleeSteps, CallerSteps, pause, receive, type Step } from './parts/scenario.ts';

// Every case runs between loaded phones while everything is recorded; the last ones search the recording.

const trying = receive(100, { optional: true, learn: false });
const ringing = receive(180, { optional: true });
const progress = receive(183, { optional: true });

let bench: Bench;
let capture: Capture;
beforeAll(async () => {
  bench = await Bench.start();
  capture = await Capture.start(path.join(bench.directory, 'calls.pcap'));
});
afterEach(async () => {
  bench.middleman.mood = null;
  await bench.hangUp();
});
afterAll(async () => {
  // A failed test must not leave a recording behind.
  await capture?.stop();
  await bench?.stop();
});

/** Steps of a call that is answered, up to the talk. */
function answered(a: CallerSteps, d: CalleeSteps): [Step[], Step[]] {
  return [
    [a.invite(), trying, ringing, receive(200), a.ack()],
    [d.invite(), d.answer(180), d.answer(200, { sdp: true }), receive('ACK')],
  ];
}

interface Direction {
  readonly from: Party;
  readonly to: Party;
  dialled(contacts: Contacts): string;
  shown(contacts: Contacts): string;
}

const DIRECTIONS: readonly (readonly [string, Direction])[] = [
  ['customer calls driver', { from: ALICE, to: DAVE, dialled: (c) => c.ddd, shown: (c) => c.aaa }],
  ['driver calls customer', { from: DAVE, to: ALICE, dialled: (c) => c.aaa, shown: (c) => c.ddd }],
];

describe.each(DIRECTIONS)('%s', (_, { from, to, dialled, shown }) => {
  let contacts: Contacts;
  let a: CallerSteps;
  const d = new CalleeSteps(to);
  const prepare = async (pool = 'sip') => {
    contacts = await bench.session(ALICE, DAVE, pool);
    a = new CallerSteps({ from, to: dialled(contacts) });
  };
  const record = () => bench.ended(contacts.sessionId);

  it('early media, re-INVITE, DTMF by INFO, UPDATE, BYE by the caller', async () => {
    await prepare();
    await bench.play(
      [
        ...[a.invite(), trying, ringing, progress, receive(200), a.ack()],
        ...[a.request('INVITE', 'sdp'), trying, receive(200), a.ack()],
        ...[a.request('INFO', 'dtmf'), receive(200), a.request('UPDATE', 'sdp'), receive(200)],
        ...[a.request('BYE'), receive(200)],
      ],
      [
        ...[
          d.invite(),
          d.answer(180),
          d.answer(183, { sdp: true }),
          d.answer(200, { sdp: true }),
          receive('ACK'),
        ],
        ...[receive('INVITE'), d.answerInCall(200, { sdp: true }), receive('ACK')],
        ...[receive('INFO'), d.answerInCall(200), receive('UPDATE'), d.answerInCall(200, { sdp: true })],
        ...[receive('BYE'), d.answerInCall(200)],
      ],
      from,
      to,
    );
    expect(await record()).toMatchObject({
      virtualNumber: dialled(contacts),
      callerId: shown(contacts),
      decision: 'bridge',
      termination: 'completed',
      nativeCause: 'sip=200;q850=16',
    });
  });

  it('re-INVITE and BYE by the callee', async () => {
    await prepare();
    const [dial, ring] = answered(a, d);
    const dd = new CalleeSteps(to);
    await bench.play(
      [
        ...dial,
        receive('INVITE'),
        answerOf(from, 200, true),
        receive('ACK'),
        receive('BYE'),
        answerOf(from, 200),
      ],
      [
        ...ring,
        pause(50),
        dd.request('INVITE', 'sdp'),
        trying,
        receive(200),
        dd.ack(),
        dd.request('BYE'),
        receive(200),
      ],
      from,
      to,
    );
    expect(await record()).toMatchObject({ termination: 'completed' });
  });

  it('CANCEL while it rings', async () => {
    await prepare();
    await bench.play(
      [a.invite(), trying, receive(180), a.cancel(), receive(200), receive(487), a.ackRefusal()],
      [
        d.invite(),
        d.answer(180),
        receive('CANCEL', { learn: false }),
        d.answerInCall(200),
        d.terminated(),
        receive('ACK'),
      ],
      from,
      to,
    );
    expect(await record()).toMatchObject({
      termination: 'cancelled',
      nativeCause: expect.stringContaining('sip=487'),
    });
  });

  it.each([
    ['busy', 486, 486, 'busy'],
    ['busy everywhere', 600, 486, 'busy'],
    ['declined', 603, 603, 'failed'],
    ['unknown at the trunk', 404, 480, 'failed'],
    ['a server error', 500, 503, 'failed'],
    ['a challenge', 407, 502, 'failed'],
  ])('%s: %i becomes %i', async (_case, status, seen, termination) => {
    await prepare();
    const challenge = `Proxy-Authenticate: Digest realm="${to.number}",nonce="${to.word}"\n`;
    await bench.play(
      [a.invite(), trying, ringing, receive(seen), a.ackRefusal()],
      [d.invite(), d.answer(180), d.answer(status, { extra: challenge }), receive('ACK')],
      from,
      to,
    );
    const call = await record();
    expect(call).toMatchObject({ state: 'ended', nativeCause: expect.stringContaining(`sip=${status}`) });
    // The loaded refusal says Q.850 cause 16 as well; the SIP status decides.
    expect(call.termination).toBe(termination);
  });

  it('a diversion by 302 ends as unavailable: nobody learns the new address, and it is not called', async () => {
    await prepare();
    await bench.play(
      [a.invite(), trying, ringing, receive(480), a.ackRefusal()],
      [d.invite(), d.answer(302), receive('ACK')],
      from,
      to,
    );
    expect(await record()).toMatchObject({
      termination: 'failed',
      nativeCause: expect.stringContaining('sip=302'),
    });
  });

  it('no answer within the ring time-out', async () => {
    await prepare(await bench.shortPool());
    await bench.play(
      [a.invite(), trying, ringing, receive(480), a.ackRefusal()],
      [
        d.invite(),
        d.answer(180),
        receive('CANCEL', { learn: false }),
        d.answerInCall(200),
        d.terminated(),
        receive('ACK'),
      ],
      from,
      to,
    );
    expect(await record()).toMatchObject({ termination: 'no_answer' });
  });

  it('the time limit ends the call on both sides', async () => {
    await prepare('short');
    const [dial, ring] = answered(a, d);
    const hungUp = receive('BYE', { timeoutMs: 15_000 });
    const slow = { timeoutMs: 20_000 };
    const rung = bench.phone({ party: to, steps: [...ring, hungUp, d.answerInCall(200)], ...slow });
    const dialling = bench.phone({ party: from, steps: [...dial, hungUp, answerOf(from, 200)], ...slow });
    await Promise.all([rung.done(), dialling.done()]);
    const call = await record();
    expect(call).toMatchObject({ termination: 'time_limit' });
    expect(call.durationSeconds).toBeGreaterThanOrEqual(9);
    expect(call.durationSeconds).toBeLessThanOrEqual(12);
  });

  it('a transfer is refused, and the call goes on', async () => {
    await prepare();
    const [dial, ring] = answered(a, d);
    await bench.play(
      [...dial, a.request('REFER'), receive(405), a.request('BYE'), receive(200)],
      [...ring, receive('BYE'), d.answerInCall(200)],
      from,
      to,
    );
  });

  it('a text', async () => {
    await prepare();
    const words = 'I am at gate 4; "quoted", $var(x) and 100%';
    const seen = `<recv request="MESSAGE"><action><ereg regexp="gate 4; .quoted., .var.x. and 100%" search_in="body" check_it="true" assign_to="from"/></action></recv>`;
    await bench.play([a.text(words), trying, receive(200)], [seen, d.answer(200)], from, to);
    const { body } = await bench.api('GET', `/v1/messages?session=${contacts.sessionId}`);
    expect(body.data).toMatchObject([
      { reason: 'ok', virtualNumber: dialled(contacts), senderId: shown(contacts) },
    ]);
  });
});

describe('the recording', () => {
  let packets: readonly Packet[];
  const known = [
    '+441632960000',
    '+441632960001',
    `sip:+441632960000@${EDGE}`,
    `sip:+441632960001@${EDGE}`,
    EDGE,
    MEDIA,
  ];
  beforeAll(async () => {
    packets = await capture.stop();
  });

  it.each([
    ['driver', DAVE, ALICE],
    ['customer', ALICE, DAVE],
  ])('shows the %s nothing of the other', (_, reader, other) => {
    const seen = towards(reader, packets);
    // A recording of nothing would show nothing, too.
    expect(seen.length).toBeGreaterThan(40);
    const secrets = secretsOf(other, packets);
    expect(identifiersOf(other, packets).length).toBeGreaterThan(10);
    const leaks = findLeaks(seen, secrets, [...known, reader.number, `sip:${reader.number}@${EDGE}`]);
    expect(
      leaks.map(({ secret, form, packet }) => `${secret} (${form}): ${packet.payload.toString('latin1')}`),
    ).toEqual([]);
  });

  it('holds what it must be searched for on the way in', () => {
    for (const [party, at] of [
      [ALICE, EDGE],
      [DAVE, EDGE],
    ] as const) {
      const said = packets.filter(({ from, to }) => from === party.address && to === at);
      const found = new Set(findLeaks(said, secretsOf(party, packets), []).map(({ secret }) => secret));
      for (const secret of secretsOf(party, packets)) expect([...found]).toContain(secret.toString('latin1'));
    }
  });

  it('leaves no number in the logs of the edge', () => {
    for (const name of ['kamailio.log', 'rtpengine.log', 'check.log']) {
      const log = readFileSync(bench.edgeFile(name), 'latin1').toLowerCase();
      for (const { number, name: person } of [ALICE, DAVE]) {
        expect(log).not.toContain(number.slice(3));
        expect(log).not.toContain(person.toLowerCase());
      }
    }
  });

  it('writes into the log what an operator must repair, and nothing else', () => {
    const lines = readFileSync(bench.edgeFile('kamailio.log'), 'latin1').split('\n');
    const errors = lines.filter((line) => /CRITICAL|ERROR|BUG/.test(line));
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.filter((line) => !line.endsWith('the next hop asks for credentials'))).toEqual([]);
  });

  it('shows no packet between the two', () => {
    const direct = packets.filter(
      ({ from, to }) =>
        (from === ALICE.address && to === DAVE.address) || (from === DAVE.address && to === ALICE.address),
    );
    expect(direct).toEqual([]);
  });
});

/** The phone that dialled answers a request of the other side. */
function answerOf(party: Party, status: number, sdp = false): Step {
  return new CalleeSteps(party).answerInCall(status, { sdp });
}
