import { execFile } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../test/system/product.ts';
import { Bench } from './parts/bench.ts';
import { ALICE, DAVE, MEDIA, type Party } from './parts/party.ts';
import { plainInvite, WirePhone } from './parts/wire-phone.ts';

// What a refused caller hears when the edge has a sentence for it: here a tone for each, so that they can be told apart.

const run = promisify(execFile);
const NEUTRAL_HZ = 440;
const ENDED_HZ = 800;
const SECONDS = 2;
const RTP_PORT = 6_000;
const STRANGER: Party = { ...ALICE, number: '+447700900999', word: 'strangerphone' };

const files = mkdtempSync(path.join(tmpdir(), 'maskline-announcement-'));
let bench: Bench;
let alice: WirePhone;
let dave: WirePhone;
let sound: Socket;
let heard: Buffer[] = [];

beforeAll(async () => {
  const tone = async (hertz: number): Promise<string> => {
    const file = path.join(files, `${hertz}.wav`);
    const format = ['-n', '-r', '8000', '-c', '1', '-b', '16', file];
    await run('sox', [...format, 'synth', String(SECONDS), 'sine', String(hertz), 'vol', '0.5']);
    return file;
  };
  bench = await Bench.start({
    EDGE_ANNOUNCEMENT_FILE: await tone(NEUTRAL_HZ),
    EDGE_ENDED_ANNOUNCEMENT_FILE: await tone(ENDED_HZ),
    EDGE_ANNOUNCEMENT_SECONDS: String(SECONDS),
  });
  [alice, dave] = await Promise.all([WirePhone.listen(ALICE), WirePhone.listen(DAVE)]);
  sound = createSocket('udp4').bind(RTP_PORT, ALICE.address);
  await once(sound, 'listening');
  sound.on('message', (packet, { address }) => {
    expect(address).toBe(MEDIA);
    heard.push(packet);
  });
});
beforeEach(() => {
  heard = [];
  alice.heard.length = 0;
});
afterAll(async () => {
  sound?.close();
  alice?.close();
  dave?.close();
  await bench?.stop();
  rmSync(files, { recursive: true, force: true });
});

/** How often A-law samples change their sign, as Hz; the sign is the highest bit (G.711). */
function hertzOf(packets: readonly Buffer[]): number {
  const samples = Buffer.concat(packets.map((packet) => packet.subarray(12)));
  let changes = 0;
  for (let at = 1; at < samples.length; at++) {
    if (((samples[at] ?? 0) & 128) !== ((samples[at - 1] ?? 0) & 128)) changes++;
  }
  return (changes / 2 / samples.length) * 8_000;
}

const relaySockets = (): number =>
  readdirSync(`/proc/${readFileSync(bench.edgeFile('rtpengine.pid'), 'utf8').trim()}/fd`).length;
const statuses = (): number[] => alice.texts().map((text) => Number(text.slice(8, 11)));

describe('a refused caller', () => {
  it('hears the neutral sentence before the call is up, and then gets the same answer as ever', async () => {
    const before = relaySockets();
    const { ddd } = await bench.session();
    const { status, ms } = await alice.ask(
      plainInvite({
        from: STRANGER,
        to: ddd,
        extra: `P-Asserted-Identity: <sip:${STRANGER.number}@x.example>\n`,
      }),
    );
    expect(status).toBe(404);
    expect(ms).toBeGreaterThan(SECONDS * 900);
    expect(statuses()).toContain(183);
    expect(heard.length).toBeGreaterThan(SECONDS * 40);
    expect(hertzOf(heard)).toBeGreaterThan(NEUTRAL_HZ * 0.9);
    expect(hertzOf(heard)).toBeLessThan(NEUTRAL_HZ * 1.1);
    expect(alice.texts().join('')).not.toContain(DAVE.number.slice(1));
    expect(dave.texts()).toEqual([]);
    await until('the ports to be given back', () => relaySockets() <= before);
  });

  it('hears the other one when the order that it took part in has ended', async () => {
    const { ddd, sessionId } = await bench.session();
    await bench.api('POST', `/v1/sessions/${sessionId}/close`, {});
    expect((await alice.ask(plainInvite({ from: ALICE, to: ddd }))).status).toBe(410);
    expect(hertzOf(heard)).toBeGreaterThan(ENDED_HZ * 0.9);
    expect(hertzOf(heard)).toBeLessThan(ENDED_HZ * 1.1);
    expect(dave.texts()).toEqual([]);
  });

  it('may hang up meanwhile: then the sentence ends', async () => {
    const before = relaySockets();
    const invite = plainInvite({ from: ALICE, to: '+441632960777', callId: 'given-up' });
    alice.say(invite);
    await until('the sentence', () => heard.length > 10);
    const cancel = invite
      .replace(/INVITE/g, 'CANCEL')
      .replace(/^(Contact|P-Asserted-Identity|Content-Type): .*\n/gm, '')
      .replace(/Content-Length: .*/s, 'Content-Length: 0\n\n');
    alice.say(cancel);
    await until('the end', () => statuses().includes(487));
    await until('the ports to be given back', () => relaySockets() <= before);
    expect(heard.length).toBeLessThan(SECONDS * 40);
  });

  it('is answered at once when it was a text', async () => {
    const text = plainInvite({ from: ALICE, to: '+441632960777', method: 'MESSAGE' }).replace(
      'application/sdp',
      'text/plain',
    );
    const { status, ms } = await alice.ask(text);
    expect(status).toBe(404);
    expect(ms).toBeLessThan(1_000);
    expect(statuses()).not.toContain(183);
  });
});
