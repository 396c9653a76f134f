import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../test/system/product.ts';
import { Bench, type Contacts } from './parts/bench.ts';
import { findLeaks, secretsOf } from './parts/leaks.ts';
import { ALICE, DAVE, EDGE } from './parts/party.ts';
import { type Answer, TORTURE } from './parts/torture.ts';
import { plainInvite, WirePhone } from './parts/wire-phone.ts';

let bench: Bench;
let alice: WirePhone;
let dave: WirePhone;
let contacts: Contacts;
beforeAll(async () => {
  bench = await Bench.start();
  [alice, dave] = await Promise.all([WirePhone.listen(ALICE), WirePhone.listen(DAVE)]);
  contacts = await bench.session();
});
afterAll(async () => {
  alice?.close();
  dave?.close();
  await bench?.stop();
});
afterEach(() => {
  alice.heard.length = 0;
  dave.heard.length = 0;
});

/** The edge answers in order of arrival on one socket, so an answer to the next shows that it has been through this one. */
async function wellAfter(): Promise<void> {
  for (let round = 0; round < 5; round++) {
    const { status } = await alice.ask(plainInvite({ from: ALICE, to: ALICE.number, method: 'OPTIONS' }));
    expect(status).toBe(200);
  }
}

describe('RFC 4475 at the edge', () => {
  it('has all of it', () => {
    expect(TORTURE).toHaveLength(49);
    expect(new Set(TORTURE.map(({ name }) => name)).size).toBe(49);
  });

  it.each(TORTURE.map((message) => [message.name, message] as const))('%s', async (_, { text, answers }) => {
    alice.say(text);
    await wellAfter();
    const finals = alice
      .texts()
      .filter((answer) => /^SIP\/2.0 [2-6]/.test(answer) && !answer.includes('alicephone-'))
      .map((answer): Answer => (answer.startsWith('SIP/2.0 2') ? 'accepted' : 'refused'));
    expect(answers).toContain(finals[0] ?? 'silent');
    expect(dave.texts()).toEqual([]);
  });

  it('carries none of it to a party, even on a number that rings', async () => {
    for (const { text } of TORTURE) {
      const dialled = text.replaceAll(`user@${EDGE}`, `${contacts.ddd}@${EDGE}`);
      const trusted = dialled.replace(
        'Max-Forwards: 70',
        `Max-Forwards: 70\nP-Asserted-Identity: <sip:${ALICE.number}@${ALICE.address}>`,
      );
      alice.say(trusted);
    }
    await wellAfter();
    const packets = dave.heard.map((payload) => ({
      from: EDGE,
      fromPort: 5060,
      to: DAVE.address,
      toPort: 5060,
      payload,
    }));
    const strangers = ['mhandley', 'jdrosen', 'interesting', 'torture'].map((word) => Buffer.from(word));
    expect(findLeaks(packets, [...secretsOf(ALICE, []), ...strangers], [])).toEqual([]);
  });

  it('kills no process', async () => {
    expect(await bench.edge('status')).toContain('kamailio: runs');
    expect(readFileSync(bench.edgeFile('kamailio.log'), 'latin1')).not.toMatch(/exited|signal 11|BUG/);
  });
});

describe('RFC 4475 at the webhook', () => {
  const post = (kind: string, body: string): Promise<Response> =>
    fetch(`${bench.hook}/${kind}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${Buffer.from(`edge:${bench.hookPassword}`).toString('base64')}`,
      },
      body,
    });

  it.each(TORTURE.map((message) => [message.name, message] as const))('%s', async (_, { text }) => {
    const from = /^(?:From|f) *:(.*)$/im.exec(text)?.[1] ?? text;
    const to = /^(?:To) *:(.*)$/im.exec(text)?.[1] ?? text;
    // As it is, it is no JSON; inside JSON it is no number, no text of ours, and no event.
    for (const body of [
      text,
      JSON.stringify({
        callId: text.slice(0, 128),
        callingNumber: from.slice(0, 64),
        calledNumber: to.slice(0, 64),
      }),
      JSON.stringify({ callId: text.slice(0, 60), event: text.slice(0, 60), at: 1 }),
    ]) {
      const answer = await post('answer', body);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ decision: 'announce' });
      for (const kind of ['status', 'message']) expect([200, 400]).toContain((await post(kind, body)).status);
    }
  });
});

it('still connects after all that', async () => {
  dave.heard.length = 0;
  alice.say(plainInvite({ from: ALICE, to: contacts.ddd, callId: 'after-all-that' }));
  await until('the phone of the driver', () => dave.texts().some((text) => text.startsWith('INVITE')));
});
