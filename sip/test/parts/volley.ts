import type { Random } from '../../../src/lib/random.ts';
import { findLeaks, type Leak, secretsOf } from './leaks.ts';
import type { Mood } from './middleman.ts';
import { mutate } from './mutate.ts';
import { ALICE, DAVE, EDGE, loadedHeaders, loadedSdp, type Party } from './party.ts';
import type { WirePhone } from './wire-phone.ts';

export const SHOWN = '+441632960000';
/** What is mutated goes out in portions of so many; what the socket of the edge drops has tested nothing. */
const PORTION = 60;
const PAUSE_MS = 40;
const ANSWERS = [486, 486, 302, 180, 480, 200, 183, 699] as const;
const KNOWN = [SHOWN, `sip:${SHOWN}@${EDGE}`];

/** A Maskline that connects everybody, for as short a time as may be, so that as much as possible goes through. */
export const connectsEverybody: Mood = (request, _, response) => {
  const decision = {
    ...{ decision: 'bridge', destination: DAVE.number, callerId: SHOWN },
    ...{ ringTimeoutSeconds: 2, maxCallSeconds: 2 },
  };
  const body = request.url?.endsWith('/route-decisions') ? decision : {};
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

/** Mutated INVITEs of a caller, and mutated answers of a callee; everything towards a phone is searched. */
export class Volley {
  readonly leaks: Leak[] = [];
  towardsDave = 0;
  towardsAlice = 0;
  answered = 0;
  readonly #alice: WirePhone;
  readonly #dave: WirePhone;
  readonly #random: Random;
  readonly #name: string;
  #sent = 0;

  constructor({
    alice,
    dave,
    random,
    name,
  }: { alice: WirePhone; dave: WirePhone; random: Random; name: string }) {
    this.#alice = alice;
    this.#dave = dave;
    this.#random = random;
    this.#name = name;
  }

  /** Both phones answer, and go on answering when all is sent. */
  listen(): void {
    this.#dave.onMessage = (text) => this.#atDave(text);
    this.#alice.onMessage = (text) => this.#atAlice(text);
  }

  async send(count: number): Promise<void> {
    this.listen();
    for (const last = this.#sent + count; this.#sent < last; this.#sent++) {
      this.#alice.say(
        Buffer.from(mutate(loadedInvite(this.#name, this.#sent), this.#random, ALICE), 'latin1'),
      );
      if (this.#sent % PORTION === 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  #atDave(text: string): void {
    this.towardsDave++;
    this.#search(DAVE, ALICE, text);
    const isCancel = text.startsWith('CANCEL');
    if (!text.startsWith('INVITE') && !isCancel) return;
    this.answered++;
    const status = isCancel ? 200 : (ANSWERS[Math.floor(this.#random.next() * ANSWERS.length)] ?? 486);
    const honest = answerTo(text, status);
    const spoilt = this.#random.next() < 0.5 ? mutate(honest, this.#random, DAVE) : honest;
    this.#dave.say(Buffer.from(spoilt, 'latin1'));
    if (status < 300 && !isCancel) this.#dave.say(Buffer.from(answerTo(text, 486), 'latin1'));
  }

  #atAlice(text: string): void {
    this.towardsAlice++;
    this.#search(ALICE, DAVE, text);
    if (/^SIP\/2.0 [3-6]/.test(text) && /^CSeq: \d+ INVITE/m.test(text))
      this.#alice.say(Buffer.from(ackOf(text), 'latin1'));
  }

  #search(reader: Party, other: Party, text: string): void {
    const packet = { from: EDGE, fromPort: 5060, to: reader.address, toPort: 5060 };
    const payload = Buffer.from(text, 'latin1');
    this.leaks.push(...findLeaks([{ ...packet, payload }], secretsOf(other, []), KNOWN));
  }
}

function loadedInvite(volley: string, call: number): string {
  const sdp = loadedSdp(ALICE, 6000).replace(/\n/g, '\r\n');
  const { name, number, address, word } = ALICE;
  const head = `INVITE sip:${SHOWN}@${EDGE} SIP/2.0
Via: SIP/2.0/UDP ${address}:5060;rport;branch=z9hG4bK${volley}-${call}
From: "${name}" <sip:${number}@${address}>;tag=${word}-${call}
To: <sip:${SHOWN}@${EDGE}>
Call-ID: ${word}-${volley}-${call}@${address}
CSeq: 1 INVITE
Max-Forwards: 70
Contact: "${name}" <sip:${number}@${address}:5060>
${loadedHeaders(ALICE)}Content-Type: application/sdp
Content-Length: ${sdp.length}
`;
  return `${head.replace(/\n/g, '\r\n')}\r\n${sdp}`;
}

/** A callee's answer that is loaded, too; `change` spoils its head. */
export function answerTo(
  request: string,
  status: number,
  change: (head: string) => string = (head) => head,
): string {
  const lines = (name: string) =>
    [...request.matchAll(new RegExp(`^${name}: .*$`, 'gim'))].map(([line]) => line.trim());
  const sdp = status < 300 ? loadedSdp(DAVE, 6100).replace(/\n/g, '\r\n') : '';
  const { name, number, address, word } = DAVE;
  const head = change(`SIP/2.0 ${status} ${name} ${number}
${lines('Via').join('\n')}
${lines('From')[0]}
${lines('To')[0]};tag=${word}
${lines('Call-ID')[0]}
${lines('CSeq')[0]}
Contact: "${name}" <sip:${number}@${address}:5060>
${loadedHeaders(DAVE)}${sdp === '' ? '' : 'Content-Type: application/sdp\n'}Content-Length: ${sdp.length}
`);
  return `${head.replace(/\n/g, '\r\n')}\r\n${sdp}`;
}

export function ackOf(refusal: string): string {
  const line = (name: string) => new RegExp(`^${name}: .*$`, 'im').exec(refusal)?.[0].trim() ?? '';
  const via = line('Via').replace(/;(received|rport)[^;]*/g, '');
  return `ACK sip:${SHOWN}@${EDGE} SIP/2.0\r\n${via}\r\n${line('From')}\r\n${line('To')}\r\n${line('Call-ID')}\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`;
}
