import type { Bench } from '../test/parts/bench.ts';
import { ALICE, DAVE } from '../test/parts/party.ts';

/** Who dials, as the trunk asserts it, and whom. */
export interface Caller {
  readonly number: string;
  readonly dialled: string;
}

/** Enough where Maskline is left out or replaced by a stub, which connects anybody. */
export const ANYBODY: readonly Caller[] = [{ number: ALICE.number, dialled: '+441632960000' }];

// By default a caller of a session may have two calls at a time and 20 in an hour, and the bench keeps to that. Calls are taken
// in turns, so with 500 sessions and 50 calls a second each caller has 10 s for a call of one.
const CALLS_OF_A_SESSION = 15;
const SESSIONS_MINIMUM = 500;
// Ofcom reserves +44 7700 900000 to 900999 for drama.
const CUSTOMERS = 950;
const DRIVERS = 50;
const AT_ONCE = 8;

const mobile = (n: number): string => `+447700900${String(n).padStart(3, '0')}`;

/** Opens as many sessions as so many calls need, and names the customer of each with the number that stands for the driver. */
export async function openCallers(bench: Bench, calls: number): Promise<readonly Caller[]> {
  const sessions = Math.max(SESSIONS_MINIMUM, Math.ceil(calls / CALLS_OF_A_SESSION));
  const callers: Caller[] = [];
  for (let n = 0; n < sessions; n += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, sessions - n) }, (_, each) =>
      openOne(bench, n + each),
    );
    callers.push(...(await Promise.all(some)));
  }
  return callers;
}

async function openOne(bench: Bench, n: number): Promise<Caller> {
  const number = mobile(n % CUSTOMERS);
  // One further with each round of the customers, so that no pair comes twice.
  const driver = mobile(CUSTOMERS + ((n + Math.floor(n / CUSTOMERS)) % DRIVERS));
  const { ddd } = await bench.session({ ...ALICE, number }, { ...DAVE, number: driver });
  return { number, dialled: ddd };
}
