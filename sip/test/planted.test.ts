import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bench } from './parts/bench.ts';
import { Capture } from './parts/capture.ts';
import { findLeaks, secretsOf, towards } from './parts/leaks.ts';
import { ALICE, DAVE, EDGE, MEDIA, type Party } from './parts/party.ts';
import { CalleeSteps, CallerSteps, receive } from './parts/scenario.ts';

// The search for leaks is worth what it finds: each leak that is planted into a copy of the edge, one line of it
// changed, must be found in the recording of a single call.

const KAMAILIO = fileURLToPath(new URL('../kamailio', import.meta.url));

interface Planted {
  readonly what: string;
  readonly file: string;
  readonly line: string;
  readonly instead: string;
  /** who must not read what the other one wrote */
  readonly reader: Party;
}

const PLANTED: readonly Planted[] = [
  {
    what: 'one header copied through',
    file: 'hide.cfg',
    line: 'keep_hf("^$");',
    instead: 'keep_hf("^Subject$");',
    reader: DAVE,
  },
  {
    what: 'the header of an answer copied back',
    file: 'hide.cfg',
    line: 'keep_hf("^$");',
    instead: 'keep_hf("^(Server|P-Charging-Vector)$");',
    reader: ALICE,
  },
  {
    what: 'the Call-ID of the caller',
    file: 'hide.cfg',
    line: '$var(call_id) = $var(key);',
    instead: '$var(call_id) = $var(key) + "-" + $ci;',
    reader: DAVE,
  },
  {
    what: 'the tag of the caller in hexadecimal',
    file: 'hide.cfg',
    line: 'insert_hf("Allow: INVITE, ACK, BYE, CANCEL, UPDATE, INFO\\r\\n", "CSeq");\n    }\n    if ($var(route)',
    instead: 'insert_hf("X-Trace: $(ft{s.encode.hexa})\\r\\n", "CSeq");\n    }\n    if ($var(route)',
    reader: DAVE,
  },
  {
    what: 'the reason phrase of the callee',
    file: 'hide.cfg',
    line: 'change_reply_status("200", "OK");',
    instead: '$var(i) = 0;',
    reader: ALICE,
  },
  {
    what: 'a line of the SDP that nobody knows',
    file: 'sdp.cfg',
    line: '$var(line) =~ "^a=(sendrecv',
    instead: '$var(line) =~ "^a=x-" || $var(line) =~ "^a=(sendrecv',
    reader: DAVE,
  },
  {
    what: 'the address in the session line of the SDP',
    file: 'sdp.cfg',
    line: 's=-\\r\\n";',
    instead: 's=" + $si + "\\r\\n";',
    reader: DAVE,
  },
];

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterAll(async () => {
  await bench?.stop();
});

describe('a leak that is planted into the edge is found', () => {
  it.each(PLANTED.map((planted, place) => [planted.what, planted, place] as const))(
    '%s',
    async (_, { file, line, instead, reader }, place) => {
      const copy = path.join(bench.directory, `planted-${place}`);
      cpSync(KAMAILIO, copy, { recursive: true });
      const text = readFileSync(path.join(copy, file), 'utf8');
      // A line that is not there any more would make this a test of nothing.
      expect(text).toContain(line);
      writeFileSync(path.join(copy, file), text.replace(line, instead));
      await bench.edge('stop');
      await bench.startEdge({ EDGE_MAIN_FILE: path.join(copy, 'edge.cfg') });
      const leaks = await leaksOfOneCall(reader, place);
      expect(leaks.length).toBeGreaterThan(0);
    },
  );

  it('and the edge as it is has none', async () => {
    await bench.edge('stop');
    await bench.startEdge({ EDGE_MAIN_FILE: path.join(KAMAILIO, 'edge.cfg') });
    for (const [place, reader] of [ALICE, DAVE].entries())
      expect(await leaksOfOneCall(reader, PLANTED.length + place)).toEqual([]);
  });
});

async function leaksOfOneCall(reader: Party, place: number): Promise<string[]> {
  const { aaa, ddd } = await bench.session();
  const capture = await Capture.start(path.join(bench.directory, `planted-${place}.pcap`));
  try {
    const a = new CallerSteps({ from: ALICE, to: ddd });
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
  const packets = capture.soFar();
  const seen = towards(reader, packets);
  expect(seen.length).toBeGreaterThan(2);
  const other = reader === DAVE ? ALICE : DAVE;
  const known = [aaa, ddd, `sip:${aaa}@${EDGE}`, `sip:${ddd}@${EDGE}`, EDGE, MEDIA, reader.number];
  return findLeaks(seen, secretsOf(other, packets), known).map(({ secret, form }) => `${secret} (${form})`);
}
