import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../test/system/product.ts';
import { Bench, type Contacts } from './parts/bench.ts';
import { Capture, type Packet } from './parts/capture.ts';
import { findLeaks, secretsOf } from './parts/leaks.ts';
import { ALICE, DAVE, EDGE, MEDIA, type Party } from './parts/party.ts';
import { Softphone } from './parts/softphone.ts';

// Two real phones with real sound. Both log in with a password: this is the edge in front of phones of its own.

const TALK_PACKETS = 250;
const PORTS = { alice: '16000-16999', dave: '17000-17999' } as const;

let bench: Bench;
let capture: Capture;
let alice: Softphone;
let dave: Softphone;
let contacts: Contacts;
let packets: readonly Packet[];

beforeAll(async () => {
  bench = await Bench.start({}, { phones: [ALICE, DAVE] });
  contacts = await bench.session();
  capture = await Capture.start(path.join(bench.directory, 'audio.pcap'));
  const phone = (party: Party, toneHz: number, ports: `${number}-${number}`) =>
    Softphone.start({
      directory: path.join(bench.directory, party.word),
      party,
      toneHz,
      ports,
      password: bench.passwordOf(party),
    });
  [alice, dave] = await Promise.all([phone(ALICE, 440, PORTS.alice), phone(DAVE, 1000, PORTS.dave)]);
});
afterAll(async () => {
  await alice?.stop();
  await dave?.stop();
  await capture?.stop();
  await bench?.stop();
});

describe('a call with sound', () => {
  it('rings with the virtual number, and each hears the other', async () => {
    alice.dial(contacts.ddd);
    const rung = await dave.happened('CALL_ESTABLISHED');
    expect(rung.peeruri).toContain(contacts.aaa);
    await alice.happened('CALL_ESTABLISHED');
    // What must be long enough is the talk itself: five seconds of it.
    const talk = () => capture.soFar().filter(({ to }) => to === MEDIA).length;
    await until('five seconds of talk', () => talk() >= TALK_PACKETS * 2, 20_000);
    alice.hangUp();
    await dave.happened('CALL_CLOSED');
    const { sessionId } = contacts;
    expect(await bench.ended(sessionId)).toMatchObject({ termination: 'completed' });
    await Promise.all([alice.stop(), dave.stop()]);
    packets = await capture.stop();
  });

  it('carries the tone of each, by its frequency', async () => {
    const [heardByAlice, heardByDave] = [await alice.heardTone(), await dave.heardTone()];
    expect(heardByDave.hertz).toBeGreaterThan(400);
    expect(heardByDave.hertz).toBeLessThan(480);
    expect(heardByAlice.hertz).toBeGreaterThan(900);
    expect(heardByAlice.hertz).toBeLessThan(1_100);
    for (const { seconds } of [heardByAlice, heardByDave]) expect(seconds).toBeGreaterThan(4);
  });

  it.each([
    ['driver', DAVE, ALICE, PORTS.dave],
    ['customer', ALICE, DAVE, PORTS.alice],
  ])('shows the %s nothing of the other, in SIP, RTP or RTCP', (_, reader, other, ports) => {
    const [low = 0, high = 0] = ports.split('-').map(Number);
    const media = packets.filter(({ toPort, to }) => toPort >= low && toPort <= high && to !== MEDIA);
    const sip = packets.filter(({ to, from }) => to === reader.address && from === EDGE);
    expect(media.length).toBeGreaterThan(200);
    expect(sip.length).toBeGreaterThan(2);
    expect(media.filter(({ from }) => from !== MEDIA)).toEqual([]);
    const leaks = findLeaks([...sip, ...media], secretsOf(other, packets), [contacts.aaa, contacts.ddd]);
    expect(leaks.map(({ secret, form }) => `${secret} (${form})`)).toEqual([]);
  });

  it('keeps RTCP from both, although both send it', () => {
    const isRtcp = ({ payload }: Packet) => (payload[1] ?? 0) >= 200 && (payload[1] ?? 0) <= 204;
    const toRelay = packets.filter((packet) => packet.to === MEDIA && isRtcp(packet));
    expect(toRelay.length).toBeGreaterThan(0);
    // It names its sender: this is what must not arrive.
    expect(findLeaks(toRelay, [...secretsOf(ALICE, packets), ...secretsOf(DAVE, packets)], [])).not.toEqual(
      [],
    );
    expect(
      packets.filter((packet) => packet.from === MEDIA && packet.to !== MEDIA && isRtcp(packet)),
    ).toEqual([]);
  });
});
