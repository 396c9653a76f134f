import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Bench, type Contacts } from './parts/bench.ts';
import { Capture } from './parts/capture.ts';
import { findLeaks, secretsOf, towards } from './parts/leaks.ts';
import { ALICE, DAVE, type Party } from './parts/party.ts';
import { CalleeSteps, CallerSteps, receive } from './parts/scenario.ts';
import { WirePhone } from './parts/wire-phone.ts';

const trying = receive(100, { optional: true, learn: false });
const ringing = receive(180, { optional: true });

let bench: Bench;
let capture: Capture;
beforeAll(async () => {
  bench = await Bench.start();
  capture = await Capture.start(path.join(bench.directory, 'refusals.pcap'));
});
afterEach(async () => {
  bench.middleman.mood = null;
  await bench.hangUp();
});
afterAll(async () => {
  // A failed test must not leave a recording behind.
  await capture?.stop();
  await bench?.stop();
});

describe('refusals', () => {
  const heardBy = async (party: Party, steps: (dialled: Contacts) => Promise<void>): Promise<string[]> => {
    const phone = await WirePhone.listen(party);
    try {
      await steps(await bench.session());
      return phone.texts();
    } finally {
      phone.close();
    }
  };
  const refused = async (
    from: Party,
    to: string,
    status: number,
    options: Parameters<CallerSteps['invite']>[0] = {},
  ) => {
    const a = new CallerSteps({ from, to });
    await bench.play([a.invite(options), trying, receive(status), a.ackRefusal()], null, from);
  };
  const stranger: Party = {
    ...ALICE,
    number: '+447700900999',
    word: 'strangerphone',
    name: 'Sam Strangeman',
  };

  it('a stranger gets 404, and the phone stays still', async () => {
    expect(await heardBy(DAVE, ({ ddd }) => refused(stranger, ddd, 404))).toEqual([]);
  });

  it('so does who dials what is no number of ours, or no number at all', async () => {
    expect(await heardBy(DAVE, () => refused(ALICE, '+441632960777', 404))).toEqual([]);
    expect(await heardBy(DAVE, () => refused(ALICE, 'reception', 404))).toEqual([]);
  });

  it('who took part hears 410 once the order has ended', async () => {
    const heard = await heardBy(DAVE, async ({ ddd, sessionId }) => {
      await bench.api('POST', `/v1/sessions/${sessionId}/close`, {});
      await refused(ALICE, ddd, 410);
    });
    expect(heard).toEqual([]);
  });

  it('a From alone is worth nothing, and an anonymous one takes nothing away', async () => {
    expect(await heardBy(DAVE, ({ ddd }) => refused(ALICE, ddd, 404, { pai: false }))).toEqual([]);
    const { ddd } = await bench.session();
    const a = new CallerSteps({ from: ALICE, to: ddd });
    const d = new CalleeSteps(DAVE);
    const anonymous = { from: '"Anonymous" <sip:anonymous@anonymous.invalid>', extra: 'Privacy: id\n' };
    await bench.play(
      [a.invite(anonymous), trying, ringing, receive(486), a.ackRefusal()],
      [d.invite(), d.answer(486), receive('ACK')],
    );
  });

  it('a text of a stranger is dropped with the same words', async () => {
    const heard = await heardBy(DAVE, async ({ ddd }) => {
      const a = new CallerSteps({ from: stranger, to: ddd });
      await bench.play([a.text('hello'), trying, receive(404)], null, stranger);
    });
    expect(heard).toEqual([]);
  });

  it('a call that is given up while Maskline is still thinking reaches nobody', async () => {
    const heard = await heardBy(DAVE, async ({ ddd }) => {
      bench.middleman.mood = (incoming, body, response) => {
        setTimeout(() => bench.middleman.pass(incoming, body, response), 300);
      };
      const a = new CallerSteps({ from: ALICE, to: ddd });
      await bench.play(
        [a.invite(), receive(100, { learn: false }), a.cancel(), receive(487), a.ackRefusal(), receive(200)],
        null,
      );
    });
    expect(heard).toEqual([]);
  });
});

it('tells a refused caller nothing of the other, and the other nothing of the caller', async () => {
  const packets = await capture.stop();
  for (const [reader, other] of [
    [ALICE, DAVE],
    [DAVE, ALICE],
  ] as const) {
    const seen = towards(reader, packets);
    expect(seen.length).toBeGreaterThan(0);
    expect(
      findLeaks(seen, secretsOf(other, packets), []).map(({ secret, form }) => `${secret} (${form})`),
    ).toEqual([]);
  }
});
