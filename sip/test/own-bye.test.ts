import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../../test/system/product.ts';
import { Bench } from './parts/bench.ts';
import { findLeaks, secretsOf } from './parts/leaks.ts';
import { ALICE, DAVE, EDGE, type Party } from './parts/party.ts';
import { answerTo, connectsEverybody, SHOWN } from './parts/volley.ts';
import { plainInvite, WirePhone } from './parts/wire-phone.ts';

// The two BYEs by which the edge ends a call at its time limit, 2 s here. Kamailio writes them from what both sides wrote, and a
// script rewrites them, which must know of which call they are. Nothing keeps it from sending one: so where the dialog is gone
// by then it must not go out as it was written.

const KAMAILIO = fileURLToPath(new URL('../kamailio', import.meta.url));
const FINDS_DIALOG = 'if (dlg_get("$ci", "$ft", "$tt"))';

let bench: Bench;
let alice: WirePhone;
let dave: WirePhone;
beforeAll(async () => {
  bench = await Bench.start({}, { alone: true });
  bench.middleman.mood = connectsEverybody;
  [alice, dave] = await Promise.all([WirePhone.listen(ALICE), WirePhone.listen(DAVE)]);
});
afterAll(async () => {
  alice?.close();
  dave?.close();
  await bench?.stop();
});

const header = (text: string, name: string): string =>
  new RegExp(`^${name}: (.*)$`, 'im').exec(text)?.[1]?.trim() ?? '';

/** One call until the edge has ended it. Returns the BYE that each side heard, and what the dialog of each is called. */
async function endedByTheEdge(instead: string | null) {
  if (instead !== null) {
    const copy = path.join(bench.directory, `planted-${instead.length}`);
    cpSync(KAMAILIO, copy, { recursive: true });
    const text = readFileSync(path.join(copy, 'hide.cfg'), 'utf8');
    expect(text).toContain(FINDS_DIALOG);
    writeFileSync(path.join(copy, 'hide.cfg'), text.replace(FINDS_DIALOG, instead));
    await bench.edge('stop');
    await bench.startEdge({ EDGE_MAIN_FILE: path.join(copy, 'edge.cfg') });
  }
  const byes = new Map<Party, string>();
  const hear = (phone: WirePhone, party: Party, text: string): void => {
    if (!text.startsWith('BYE')) return;
    byes.set(party, text);
    const lines = text.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq):/i.test(line));
    phone.say(`SIP/2.0 200 OK\n${lines.join('\n')}\nContent-Length: 0\n\n`);
  };
  let invite = '';
  dave.onMessage = (text) => {
    hear(dave, DAVE, text);
    if (!text.startsWith('INVITE') || invite !== '') return;
    invite = text;
    dave.say(answerTo(text, 200));
  };
  const answer = await alice.ask(plainInvite({ from: ALICE, to: SHOWN }));
  expect(answer.status).toBe(200);
  alice.onMessage = (text) => hear(alice, ALICE, text);
  alice.say(`ACK ${/<(.*)>/.exec(header(answer.text, 'Contact'))?.[1]} SIP/2.0
Via: SIP/2.0/UDP ${ALICE.address}:5060;branch=z9hG4bK${header(answer.text, 'Call-ID')}-ack
From: ${header(answer.text, 'From')}
To: ${header(answer.text, 'To')}
Call-ID: ${header(answer.text, 'Call-ID')}
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

`);
  await until('both to be told that the call is over', () => byes.size === 2, 10_000);
  const [atAlice = '', atDave = ''] = [byes.get(ALICE), byes.get(DAVE)];
  for (const [reader, other, text] of [[ALICE, DAVE, atAlice] as const, [DAVE, ALICE, atDave] as const]) {
    const packet = { from: EDGE, fromPort: 5060, to: reader.address, toPort: 5060 };
    const payload = Buffer.from(text, 'latin1');
    const known = [SHOWN, `sip:${SHOWN}@${EDGE}`];
    const leaks = findLeaks([{ ...packet, payload }], secretsOf(other, []), known);
    expect(leaks.map(({ secret, form }) => `${secret} (${form})`)).toEqual([]);
  }
  return {
    byes: [atAlice, atDave].map((text) => header(text, 'Call-ID')),
    calls: [header(answer.text, 'Call-ID'), header(invite, 'Call-ID')],
  };
}

it('are of the call that each side knows', { timeout: 60_000 }, async () => {
  const { byes, calls } = await endedByTheEdge(null);
  expect(byes).toEqual(calls);
});

it('are that as well when the answer to the first has ended the dialog before the second', {
  timeout: 60_000,
}, async () => {
  const { byes, calls } = await endedByTheEdge(
    'if ($sht(ending=>$ci::$ft::$tt) == $null && dlg_get("$ci", "$ft", "$tt"))',
  );
  expect(byes).toEqual(calls);
});

it.each([
  ['nobody knows of which call they are', 'if ($ci == "")'],
  [
    'the dialog has no call',
    'if (dlg_get("$ci", "$ft", "$tt")) $var(key) = $dlg_var(none); else if ($ci == "")',
  ],
  [
    'the call is forgotten',
    '$sht(call=>$dlg_var(key)::callee_from) = $null; $sht(call=>$dlg_var(key)::caller_to) = $null;\n    if (dlg_get("$ci", "$ft", "$tt"))',
  ],
])('say nothing of anybody when %s', { timeout: 60_000 }, async (_, instead) => {
  const { byes, calls } = await endedByTheEdge(instead);
  expect(calls).toHaveLength(2);
  for (const bye of byes) expect(calls).not.toContain(bye);
});
