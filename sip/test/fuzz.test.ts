import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/lib/random.ts';
import { until } from '../../test/system/product.ts';
import { Bench } from './parts/bench.ts';
import { type Footprint, footprintOf } from './parts/footprint.ts';
import { ALICE, DAVE } from './parts/party.ts';
import { connectsEverybody, SHOWN, Volley } from './parts/volley.ts';
import { plainInvite, WirePhone } from './parts/wire-phone.ts';

// Mutated INVITEs of a caller, and mutated answers of a callee, with a fixed seed. Maskline says yes to everything,
// so that as much as possible goes through. The long form is SIP_FUZZ_COUNT=60000.
//
// They come in two equal halves: what pools and caches take once, the first half takes; what is lost with each call, the
// second half loses again.

const COUNT = Number(process.env.SIP_FUZZ_COUNT ?? 6_000);
const SEED = Number(process.env.SIP_FUZZ_SEED ?? 4475);
const KB = 1_024;
/** Growth in the second half, whatever its length. Of one lost transaction in a hundred calls it would be 300 kB in CI. */
const SHARED_MAXIMUM = 64 * KB;
/** The same, of the about 45 processes of Kamailio together. */
const OWN_MAXIMUM = 512 * KB;
/** What pools take once, in the first half. */
const SHARED_ONCE_MAXIMUM = 128 * KB;

let bench: Bench;
let alice: WirePhone;
let dave: WirePhone;
let volley: Volley;
beforeAll(async () => {
  // Silent callees are given up soon, and ended calls forgotten soon, or both would hold what they have until the end.
  const soon = { EDGE_SILENCE_MS: '1000', EDGE_REPEAT_SECONDS: '1' };
  bench = await Bench.start({ EDGE_CALLS_PER_SECOND: '100000', ...soon }, { alone: true });
  bench.middleman.mood = connectsEverybody;
  [alice, dave] = await Promise.all([WirePhone.listen(ALICE), WirePhone.listen(DAVE)]);
  volley = new Volley({ alice, dave, random: seededRandom(SEED), name: String(SEED) });
});
afterAll(async () => {
  alice?.close();
  dave?.close();
  await bench?.stop();
});

describe(`${COUNT} mutated calls`, () => {
  let processes = 0;
  let before: Footprint;
  const afterHalf: Footprint[] = [];

  it('crash nothing', { timeout: 2_400_000 }, async () => {
    await until('all processes of the edge', () => {
      const earlier = processes;
      processes = kamailioProcesses();
      return processes > 20 && processes === earlier;
    });
    before = await footprintOf(bench);
    for (let half = 0; half < 2; half++) {
      await volley.send(Math.ceil(COUNT / 2));
      await well();
      afterHalf.push(await settled(before));
    }
    expect(volley.answered).toBeGreaterThan(COUNT / 50);
    expect(kamailioProcesses()).toBe(processes);
    expect(readFileSync(bench.edgeFile('kamailio.log'), 'utf8')).not.toMatch(/signal|BUG|core was/);
  });

  it('leave no port, no dialog and no transaction behind, and nothing that is remembered', () => {
    expect(afterHalf).toHaveLength(2);
    for (const after of afterHalf) {
      expect(after).toMatchObject({ dialogs: 0, transactions: 0, remembered: 0 });
      expect(after.relaySockets).toBeLessThanOrEqual(before.relaySockets);
    }
  });

  it('let no memory grow with their number', () => {
    console.info(
      ['before', 'first half', 'second half']
        .map((when, place) => `${when}: ${JSON.stringify([before, ...afterHalf][place])}`)
        .join('\n'),
    );
    const [first, second] = afterHalf;
    if (!first || !second) throw new Error('There are no two halves.');
    expect(first.sharedBytes - before.sharedBytes).toBeLessThan(SHARED_ONCE_MAXIMUM);
    expect(second.sharedBytes - first.sharedBytes).toBeLessThan(SHARED_MAXIMUM);
    expect(second.ownBytes - first.ownBytes).toBeLessThan(OWN_MAXIMUM);
  });

  it('leak nothing to either side', () => {
    const { towardsDave, towardsAlice, leaks } = volley;
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

async function well(): Promise<void> {
  const ask = () => alice.ask(plainInvite({ from: ALICE, to: SHOWN, method: 'OPTIONS' }), 20_000);
  await until('the edge to be well', async () => (await ask()).status === 200, 60_000);
  // The question took the caller's ear.
  volley.listen();
}

/** What is held once the calls are over, or after half a minute, as it is then: the tests say what is too much. */
async function settled(before: Footprint): Promise<Footprint> {
  let now = before;
  const isSettled = async (): Promise<boolean> => {
    now = await footprintOf(bench);
    const held = now.dialogs + now.transactions + now.remembered;
    return held === 0 && now.relaySockets <= before.relaySockets;
  };
  await until('the calls to be over', isSettled, 30_000).catch(() => undefined);
  return now;
}

function kamailioProcesses(): number {
  const pid = readFileSync(bench.edgeFile('kamailio.pid'), 'utf8').trim();
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').length;
}
