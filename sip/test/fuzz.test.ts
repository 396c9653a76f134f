import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/lib/random.ts';
import { until } from '../../test/system/product.ts';
import { Bench } from './parts/bench.ts';
import { findLeaks, type Leak, secretsOf } from './parts/leaks.ts';
import { mutate } from './parts/mutate.ts';
import { ALICE, DAVE, EDGE, loadedHeaders, loadedSdp, type Party } from './parts/party.ts';
import { plainInvite, WirePhone } from './parts/wire-phone.ts';

// Mutated INVITEs of a caller, and mutated answers of a callee, with a fixed seed. Maskline says yes to everything,
// so that as much as possible goes through. The long form is SIP_FUZZ_COUNT=60000.

const COUNT = Number(process.env.SIP_FUZZ_COUNT ?? 6_000);
const SEED = Number(process.env.SIP_FUZZ_SEED ?? 4475);
const SHOWN = '+441632960000';
const IN_FLIGHT = 60;

let bench: Bench;
let alice: WirePhone;
let dave: WirePhone;
beforeAll(async () => {
  // Silent callees are given up soon, or they would hold their ports until the end.
  bench = await Bench.start({ EDGE_CALLS_PER_SECOND: '100000', EDGE_SILENCE_MS: '1000' });
  [alice, dave] = await Promise.all([WirePhone.listen(ALICE), WirePhone.listen(DAVE)]);
});
afterAll(async () => {
  alice?.close();
  dave?.close();
  await bench?.stop();
});

describe(`${COUNT} mutated calls`, () => {
  const leaks: Leak[] = [];
  let towardsDave = 0;
  let towardsAlice = 0;
  let processes = 0;
  const known = [SHOWN, `sip:${SHOWN}@${EDGE}`];
  const search = (reader: Party, other: Party, text: Buffer): void => {
    const packet = { from: EDGE, fromPort: 5060, to: reader.address, toPort: 5060, payload: text };
    leaks.push(...findLeaks([packet], secretsOf(other, []), known));
  };

  it('crash nothing', { timeout: 1_200_000 }, async () => {
    const random = seededRandom(SEED);
    await until('all processes of the edge', () => {
      const before = processes;
      processes = kamailioProcesses();
      return processes > 20 && processes === before;
    });
    const decision = {
      decision: 'bridge',
      destination: DAVE.number,
      callerId: SHOWN,
      ringTimeoutSeconds: 5,
      maxCallSeconds: 10,
    };
    bench.middleman.mood = (request, _, response) => {
      const body = request.url?.endsWith('/route-decisions') ? decision : {};
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    let answered = 0;
    dave.onMessage = (text) => {
      towardsDave++;
      search(DAVE, ALICE, Buffer.from(text, 'latin1'));
      if (!text.startsWith('INVITE') && !text.startsWith('CANCEL')) return;
      answered++;
      const status = text.startsWith('CANCEL')
        ? 200
        : (([486, 486, 302, 180, 480, 200, 183, 699] as const)[Math.floor(random.next() * 8)] ?? 486);
      const honest = answerTo(text, status);
      dave.say(
        Buffer.from(Math.floor(random.next() * 2) === 0 ? mutate(honest, random, DAVE) : honest, 'latin1'),
      );
      if (status < 300 && !text.startsWith('CANCEL')) dave.say(Buffer.from(answerTo(text, 486), 'latin1'));
    };
    alice.onMessage = (text) => {
      towardsAlice++;
      search(ALICE, DAVE, Buffer.from(text, 'latin1'));
      if (/^SIP\/2.0 [3-6]/.test(text) && /^CSeq: \d+ INVITE/m.test(text))
        alice.say(Buffer.from(ackOf(text), 'latin1'));
    };
    for (let call = 0; call < COUNT; call++) {
      alice.say(Buffer.from(mutate(loadedInvite(call), random, ALICE), 'latin1'));
      // As fast as the edge takes them, and no faster: what the socket drops has tested nothing.
      if (call % IN_FLIGHT === 0) await new Promise((resolve) => setTimeout(resolve, 40));
    }
    dave.onMessage = null;
    alice.onMessage = null;
    expect(answered).toBeGreaterThan(COUNT / 50);
    await until(
      'the edge to be well',
      async () => {
        const { status } = await alice.ask(
          plainInvite({ from: ALICE, to: SHOWN, method: 'OPTIONS' }),
          20_000,
        );
        return status === 200;
      },
      60_000,
    );
    expect(kamailioProcesses()).toBe(processes);
    expect(readFileSync(bench.edgeFile('kamailio.log'), 'utf8')).not.toMatch(/signal|BUG|core was/);
  });

  it('leak nothing to either side', () => {
    console.info(
      `${COUNT} calls, seed ${SEED}: ${towardsDave} messages to the callee, ${towardsAlice} to the caller`,
    );
    expect(towardsDave).toBeGreaterThan(COUNT / 50);
    expect(towardsAlice).toBeGreaterThan(COUNT / 10);
    expect(
      leaks.map(({ secret, form, packet }) => `${secret} (${form}): ${packet.payload.toString('latin1')}`),
    ).toEqual([]);
  });
});

function kamailioProcesses(): number {
  const pid = readFileSync(bench.edgeFile('kamailio.pid'), 'utf8').trim();
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').length;
}

function loadedInvite(call: number): string {
  const sdp = loadedSdp(ALICE, 6000).replace(/\n/g, '\r\n');
  const { name, number, address, word } = ALICE;
  const head = `INVITE sip:${SHOWN}@${EDGE} SIP/2.0
Via: SIP/2.0/UDP ${address}:5060;rport;branch=z9hG4bK${SEED}-${call}
From: "${name}" <sip:${number}@${address}>;tag=${word}-${call}
To: <sip:${SHOWN}@${EDGE}>
Call-ID: ${word}-${SEED}-${call}@${address}
CSeq: 1 INVITE
Max-Forwards: 70
Contact: "${name}" <sip:${number}@${address}:5060>
${loadedHeaders(ALICE)}Content-Type: application/sdp
Content-Length: ${sdp.length}
`;
  return `${head.replace(/\n/g, '\r\n')}\r\n${sdp}`;
}

function answerTo(request: string, status: number): string {
  const lines = (name: string) =>
    [...request.matchAll(new RegExp(`^${name}: .*$`, 'gim'))].map(([line]) => line.trim());
  const sdp = status < 300 ? loadedSdp(DAVE, 6100).replace(/\n/g, '\r\n') : '';
  const { name, number, address, word } = DAVE;
  const head = `SIP/2.0 ${status} ${name} ${number}
${lines('Via').join('\n')}
${lines('From')[0]}
${lines('To')[0]};tag=${word}
${lines('Call-ID')[0]}
${lines('CSeq')[0]}
Contact: "${name}" <sip:${number}@${address}:5060>
${loadedHeaders(DAVE)}${sdp === '' ? '' : 'Content-Type: application/sdp\n'}Content-Length: ${sdp.length}
`;
  return `${head.replace(/\n/g, '\r\n')}\r\n${sdp}`;
}

function ackOf(refusal: string): string {
  const line = (name: string) => new RegExp(`^${name}: .*$`, 'im').exec(refusal)?.[0].trim() ?? '';
  const via = line('Via').replace(/;(received|rport)[^;]*/g, '');
  return `ACK sip:${SHOWN}@${EDGE} SIP/2.0\r\n${via}\r\n${line('From')}\r\n${line('To')}\r\n${line('Call-ID')}\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`;
}
