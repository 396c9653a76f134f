import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../test/system/product.ts';
import { Bench, type Contacts } from './parts/bench.ts';
import { Capture, type Packet } from './parts/capture.ts';
import { findLeaks, secretsOf } from './parts/leaks.ts';
import { ALICE, DAVE, EDGE, MEDIA } from './parts/party.ts';
import { Softphone } from './parts/softphone.ts';

// One phone behind TLS with SRTP, the other over TCP with its sound in the clear; a call each way between them.

const run = promisify(execFile);
const PORTS = { alice: '16000-16999', dave: '17000-17999' } as const;
const RTP_HEADER = 12;
const PCMA_20_MS = 160;
/** What stands behind each packet: 10 bytes with HMAC-SHA1-80 (RFC 3711, 5.2), 16 with AES-GCM (RFC 7714, 5.2) */
const SRTP_TAGS = [10, 16];
const TALK_PACKETS = 150;

const files = mkdtempSync(path.join(tmpdir(), 'maskline-tls-'));
let bench: Bench;
let capture: Capture;
let alice: Softphone;
let dave: Softphone;
let contacts: Contacts;
let packets: readonly Packet[];

beforeAll(async () => {
  const [edge, phone] = [await certify('edge', EDGE), await certify('alice', ALICE.address)];
  const tls = path.join(files, 'tls.cfg');
  writeFileSync(
    tls,
    `[server:default]\nmethod = TLSv1.2+\ncertificate = ${edge.certificate}\nprivate_key = ${edge.key}\nverify_certificate = no\n
[client:default]\nmethod = TLSv1.2+\nverify_certificate = yes\nrequire_certificate = yes\nca_list = ${phone.certificate}\n`,
  );
  bench = await Bench.start(
    { EDGE_WITH_TLS: '1', EDGE_WITH_TCP: '1', EDGE_WITH_SRTP: '1', EDGE_TLS_FILE: tls },
    {
      phones: [ALICE, DAVE],
      hops: {
        [ALICE.number]: `sip:${ALICE.address}:5061;transport=tls`,
        [DAVE.number]: `sip:${DAVE.address}:5060;transport=tcp`,
      },
    },
  );
  contacts = await bench.session();
  const filter = 'udp or tcp port 5060 or tcp port 5061';
  capture = await Capture.start(path.join(bench.directory, 'encrypted.pcap'), filter);
  alice = await Softphone.start({
    ...{ directory: path.join(bench.directory, 'alice'), party: ALICE, toneHz: 440, ports: PORTS.alice },
    ...{ password: bench.passwordOf(ALICE), transport: 'tls' },
    certificate: { own: phone.both, trusted: edge.certificate },
  });
  dave = await Softphone.start({
    ...{ directory: path.join(bench.directory, 'dave'), party: DAVE, toneHz: 1_000, ports: PORTS.dave },
    ...{ password: bench.passwordOf(DAVE), transport: 'tcp' },
  });
});
afterAll(async () => {
  await alice?.stop();
  await dave?.stop();
  await capture?.stop();
  await bench?.stop();
  rmSync(files, { recursive: true, force: true });
});

/** A certificate for an address, signed by itself. */
async function certify(
  name: string,
  address: string,
): Promise<{ certificate: string; key: string; both: string }> {
  const [certificate = '', key = '', both = ''] = ['crt', 'key', 'pem'].map((end) =>
    path.join(files, `${name}.${end}`),
  );
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', `/CN=${address}`, '-addext', `subjectAltName=IP:${address}`];
  await run('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', certificate]);
  writeFileSync(both, readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'), { mode: 0o600 });
  return { certificate, key, both };
}

const between = (ports: `${number}-${number}`, { fromPort, toPort }: Packet): boolean => {
  const [low = 0, high = 0] = ports.split('-').map(Number);
  return (fromPort >= low && fromPort <= high) || (toPort >= low && toPort <= high);
};
/** PCMA is payload type 8; the second byte of what belongs to RTCP is 200 to 204. */
const isSound = ({ payload }: Packet): boolean => ((payload[1] ?? 0) & 127) === 8;
const relayed = (all: readonly Packet[]): number => all.filter(({ from }) => from === MEDIA).length;

describe('a call between TLS with SRTP and TCP with RTP', () => {
  it.each([
    ['from the encrypted side', () => [alice, dave, contacts.ddd, contacts.aaa] as const],
    ['from the clear side', () => [dave, alice, contacts.aaa, contacts.ddd] as const],
  ])('is connected %s, shows the virtual number, carries sound and ends', async (_, sides) => {
    const [from, to, dialled, shown] = sides();
    from.events.length = 0;
    to.events.length = 0;
    const before = relayed(capture.soFar());
    from.dial(dialled);
    expect((await to.happened('CALL_ESTABLISHED')).peeruri).toContain(shown);
    await from.happened('CALL_ESTABLISHED');
    await until('three seconds of talk', () => relayed(capture.soFar()) - before >= TALK_PACKETS * 2, 20_000);
    from.hangUp();
    await to.happened('CALL_CLOSED');
    await until('the record', async () => {
      const calls = await bench.calls(contacts.sessionId);
      return calls.some((call) => call.virtualNumber === dialled && call.termination === 'completed');
    });
  });

  it('carries the tone of each to the other', async () => {
    await Promise.all([alice.stop(), dave.stop()]);
    packets = await capture.stop();
    for (const call of [0, 1]) {
      const [heardByAlice, heardByDave] = [await alice.heardTone(call), await dave.heardTone(call)];
      expect(heardByDave.hertz).toBeGreaterThan(400);
      expect(heardByDave.hertz).toBeLessThan(480);
      expect(heardByAlice.hertz).toBeGreaterThan(900);
      expect(heardByAlice.hertz).toBeLessThan(1_100);
    }
  });

  it('shows nobody on the encrypted side a word or a sound', () => {
    const tls = packets.filter(({ fromPort, toPort }) => fromPort === 5061 || toPort === 5061);
    expect(tls.length).toBeGreaterThan(20);
    const texts = tls.map(({ payload }) => payload.toString('latin1')).join('');
    expect(texts).not.toMatch(/SIP\/2\.0|INVITE|IN IP4|447700900|441632960/);
    const sound = packets.filter((packet) => between(PORTS.alice, packet) && isSound(packet));
    expect(sound.length).toBeGreaterThan(TALK_PACKETS);
    const lengths = SRTP_TAGS.map((tag) => RTP_HEADER + PCMA_20_MS + tag);
    expect(sound.filter(({ payload }) => !lengths.includes(payload.length))).toEqual([]);
    const clear = packets.filter((packet) => between(PORTS.dave, packet) && isSound(packet));
    expect(new Set(clear.map(({ payload }) => payload.length))).toEqual(new Set([RTP_HEADER + PCMA_20_MS]));
    const said = new Set(clear.map(({ payload }) => payload.toString('latin1', RTP_HEADER)));
    for (const { payload } of sound)
      expect(said.has(payload.toString('latin1', RTP_HEADER, RTP_HEADER + PCMA_20_MS))).toBe(false);
  });

  it('tells the clear side nothing of the other, in SIP over TCP, RTP or RTCP', () => {
    const sip = packets.filter(
      ({ from, fromPort, toPort }) => from === EDGE && fromPort !== 5061 && toPort !== 5061,
    );
    const toDave = sip.filter(({ payload }) => /^(SIP\/2\.0|[A-Z]+ sip:)/.test(payload.toString('latin1')));
    expect(toDave.length).toBeGreaterThan(4);
    expect(toDave.some(({ payload }) => payload.includes('INVITE sip:'))).toBe(true);
    const media = packets.filter(
      ({ from, toPort }) => from === MEDIA && between(PORTS.dave, { ...NOWHERE, toPort }),
    );
    expect(media.length).toBeGreaterThan(TALK_PACKETS);
    const known = [contacts.aaa, contacts.ddd];
    const leaks = findLeaks([...sip, ...media], secretsOf(ALICE, packets), known);
    expect(leaks.map(({ secret, form }) => `${secret} (${form})`)).toEqual([]);
    // The same search finds the clear side in what it says itself.
    const said = packets.filter(({ to, toPort }) => to === EDGE && toPort === 5060);
    expect(findLeaks(said, secretsOf(DAVE, packets), known)).not.toEqual([]);
  });

  it('puts no key for the sound where everybody can read it', () => {
    const clear = packets.filter(
      ({ fromPort, toPort, payload }) =>
        (fromPort === 5060 || toPort === 5060) && payload.includes('a=crypto'),
    );
    expect(clear.length).toBe(0);
  });
});

const NOWHERE: Packet = { from: '', fromPort: 0, to: '', toPort: 0, payload: Buffer.alloc(0) };
