import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bench, type Contacts } from './parts/bench.ts';
import { Capture, type Packet } from './parts/capture.ts';
import { findLeaks, secretsOf, towards } from './parts/leaks.ts';
import { ALICE, DAVE, EDGE, MEDIA, type Party } from './parts/party.ts';
import { CalleeSteps, CallerSteps, receive } from './parts/scenario.ts';

// The search for leaks is worth what it finds: leaks are planted into a copy of the edge, one line of it changed for each, and
// each must be found in the recording of a single call, in the line of the message that it was planted into.

const KAMAILIO = fileURLToPath(new URL('../kamailio', import.meta.url));

interface Change {
  readonly file: string;
  readonly line: string;
  readonly instead: string;
}

interface Planted {
  readonly what: string;
  /** who must not read what the other one wrote */
  readonly reader: Party;
  /** the line of the message in which it stands */
  readonly where: RegExp;
}

const ALLOW =
  'insert_hf("Allow: INVITE, ACK, BYE, CANCEL, UPDATE, INFO\\r\\n", "CSeq");\n    }\n    if ($var(route)';
const CHANGES: readonly Change[] = [
  { file: 'hide.cfg', line: 'keep_hf("^$");', instead: 'keep_hf("^(Subject|Server|P-Charging-Vector)$");' },
  { file: 'hide.cfg', line: '$var(call_id) = $var(key);', instead: '$var(call_id) = $var(key) + "-" + $ci;' },
  {
    file: 'hide.cfg',
    line: ALLOW,
    instead: ALLOW.replace('Allow: INVITE, ACK, BYE, CANCEL, UPDATE, INFO', 'X-Trace: $(ft{s.encode.hexa})'),
  },
  { file: 'hide.cfg', line: 'change_reply_status("200", "OK");', instead: '$var(i) = 0;' },
  {
    file: 'sdp.cfg',
    line: '$var(line) =~ "^a=(sendrecv',
    instead: '$var(line) =~ "^a=x-" || $var(line) =~ "^a=(sendrecv',
  },
  { file: 'sdp.cfg', line: 's=-\\r\\n";', instead: 's=" + $si + "\\r\\n";' },
];
const PLANTED: readonly Planted[] = [
  { what: 'one header copied through', reader: DAVE, where: /^Subject:/ },
  { what: 'the header of an answer copied back', reader: ALICE, where: /^Server:/ },
  { what: 'another', reader: ALICE, where: /^P-Charging-Vector:/ },
  { what: 'the Call-ID of the caller', reader: DAVE, where: /^Call-ID:/ },
  { what: 'the tag of the caller in hexadecimal', reader: DAVE, where: /^X-Trace:/ },
  { what: 'the reason phrase of the callee', reader: ALICE, where: /^SIP\/2.0 200/ },
  { what: 'a line of the SDP that nobody knows', reader: DAVE, where: /^a=x-/ },
  { what: 'the address in the session line of the SDP', reader: DAVE, where: /^s=/ },
];

let bench: Bench;
let honest: readonly [Contacts, readonly Packet[]];
let planted: readonly [Contacts, readonly Packet[]];
beforeAll(async () => {
  bench = await Bench.start();
  honest = await oneCall('honest');
  const copy = path.join(bench.directory, 'planted');
  cpSync(KAMAILIO, copy, { recursive: true });
  for (const { file, line, instead } of CHANGES) {
    const text = readFileSync(path.join(copy, file), 'utf8');
    // A line that is not there any more would make this a test of nothing.
    expect(text).toContain(line);
    writeFileSync(path.join(copy, file), text.replace(line, instead));
  }
  await bench.edge('stop');
  await bench.startEdge({ EDGE_MAIN_FILE: path.join(copy, 'edge.cfg') });
  planted = await oneCall('planted');
});
afterAll(async () => {
  await bench?.stop();
});

describe('a leak that is planted into the edge is found', () => {
  it.each(PLANTED.map((planted) => [planted.what, planted] as const))('%s', (_, { reader, where }) => {
    const [contacts, packets] = planted;
    const lines = towards(reader, packets).flatMap((packet) =>
      packet.payload
        .toString('latin1')
        .split('\r\n')
        .filter((line) => where.test(line))
        .map((line) => ({ ...packet, payload: Buffer.from(line, 'latin1') })),
    );
    expect(leaksTo(reader, lines, packets, contacts).length).toBeGreaterThan(0);
  });

  it('and the edge as it is has none', () => {
    const [contacts, packets] = honest;
    for (const reader of [ALICE, DAVE]) {
      const seen = towards(reader, packets);
      expect(seen.length).toBeGreaterThan(2);
      expect(leaksTo(reader, seen, packets, contacts)).toEqual([]);
    }
  });
});

async function oneCall(name: string): Promise<[Contacts, readonly Packet[]]> {
  const contacts = await bench.session();
  const capture = await Capture.start(path.join(bench.directory, `${name}.pcap`));
  try {
    const a = new CallerSteps({ from: ALICE, to: contacts.ddd });
    const d = new CalleeSteps(DAVE);
    const trying = receive(100, { optional: true, learn: false });
    await bench.play(
      [
        ...[a.invite(), trying, receive(180, { optional: true }), receive(200), a.ack()],
        ...[a.request('BYE'), receive(200)],
      ],
      [
        d.invite(),
        d.answer(180),
        d.answer(200, { sdp: true }),
        receive('ACK'),
        receive('BYE'),
        d.answerInCall(200),
      ],
    );
  } finally {
    await capture.stop();
  }
  return [contacts, capture.soFar()];
}

function leaksTo(
  reader: Party,
  seen: readonly Packet[],
  all: readonly Packet[],
  { aaa, ddd }: Contacts,
): string[] {
  const other = reader === DAVE ? ALICE : DAVE;
  const known = [aaa, ddd, `sip:${aaa}@${EDGE}`, `sip:${ddd}@${EDGE}`, EDGE, MEDIA, reader.number];
  return findLeaks(seen, secretsOf(other, all), known).map(({ secret, form }) => `${secret} (${form})`);
}
