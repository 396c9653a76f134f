import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../test/system/product.ts';
import { Bench, type Contacts } from './parts/bench.ts';
import { ALICE, DAVE, EDGE } from './parts/party.ts';
import { plainInvite, WirePhone } from './parts/wire-phone.ts';

// Addresses of phones, not of trunks: who calls is who knows the password, whatever else the message says.

let bench: Bench;
let alice: WirePhone;
let dave: WirePhone;
let contacts: Contacts;
beforeAll(async () => {
  bench = await Bench.start({}, { phones: [ALICE, DAVE] });
  [alice, dave] = await Promise.all([WirePhone.listen(ALICE), WirePhone.listen(DAVE)]);
  contacts = await bench.session();
});
afterAll(async () => {
  alice?.close();
  dave?.close();
  await bench?.stop();
});

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

/** RFC 2617 with qop=auth, as phones do it. */
function credentials(challenge: string, username: string, password: string): string {
  const nonce = /nonce="([^"]+)"/.exec(challenge)?.[1] ?? '';
  const realm = /realm="([^"]+)"/.exec(challenge)?.[1] ?? '';
  const uri = `sip:${contacts.ddd}@${EDGE}`;
  const response = md5(
    `${md5(`${username}:${realm}:${password}`)}:${nonce}:00000001:abc:auth:${md5(`INVITE:${uri}`)}`,
  );
  return `Proxy-Authorization: Digest username="${username}",realm="${realm}",nonce="${nonce}",uri="${uri}",response="${response}",qop=auth,nc=00000001,cnonce="abc"\n`;
}

const asserted = `P-Asserted-Identity: <sip:${ALICE.number}@${ALICE.address}>\n`;

async function challenged(): Promise<string> {
  const { status, text } = await alice.ask(plainInvite({ from: ALICE, to: contacts.ddd, extra: asserted }));
  expect(status).toBe(407);
  return text;
}

describe('a phone with a password', () => {
  it('is challenged, and its own word on who calls counts for nothing', async () => {
    await challenged();
    expect(dave.texts()).toEqual([]);
  });

  it.each([
    ['a wrong password', () => [ALICE.number, 'wrong'] as const],
    ['somebody else’s name', () => [DAVE.number, bench.passwordOf(ALICE)] as const],
    ['a name that nobody has', () => ['+447700900999', 'wrong'] as const],
  ])('is challenged again with %s', async (_, login) => {
    const [username, password] = login();
    const extra = asserted + credentials(await challenged(), username, password);
    expect((await alice.ask(plainInvite({ from: ALICE, to: contacts.ddd, extra }))).status).toBe(407);
    expect(dave.texts()).toEqual([]);
  });

  it('rings the other with the right one', async () => {
    const extra = credentials(await challenged(), ALICE.number, bench.passwordOf(ALICE));
    alice.say(plainInvite({ from: ALICE, to: contacts.ddd, extra }));
    await until('the phone of the driver', () => dave.texts().some((text) => text.startsWith('INVITE')));
    const invite = dave.texts().find((text) => text.startsWith('INVITE')) ?? '';
    expect(invite).toContain(contacts.aaa);
    expect(invite).not.toContain('Authorization');
    expect(invite).not.toContain(ALICE.number);
  });

  it('is not heard any more when it floods', async () => {
    const mine = (text: string): boolean => text.includes('flooding');
    for (let n = 0; n < 400; n++) {
      if (n % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      alice.say(plainInvite({ from: ALICE, to: contacts.ddd, callId: `flooding-${n}` }));
    }
    // The other phone is still heard, and shows that the edge has been through all of it.
    expect((await dave.ask(plainInvite({ from: DAVE, to: contacts.aaa }))).status).toBe(407);
    expect(alice.texts().filter(mine).length).toBeLessThan(100);
  });
});
