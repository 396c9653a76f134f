import { assignVirtualNumbers } from '../domain/allocation.ts';
import type { Pool } from '../domain/pool.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { NumberSearch, Seat, SharedCandidate } from '../storage/assignment-storage.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { App } from './app.ts';
import type { ResolvedParticipant } from './resolve-participants.ts';

/** An order that needs numbers. */
export interface LotOrder {
  /** in the lot */
  readonly place: number;
  readonly participants: readonly ResolvedParticipant[];
}

export interface LotChoice {
  readonly place: number;
  readonly numbers: readonly VirtualNumber[];
}

export interface LotContext {
  readonly tenant: string;
  readonly pool: Pool;
  readonly search: NumberSearch;
}

/** More of one person's orders than this in one lot are for single assignments. */
const CANDIDATES_MAXIMUM = 16;
const PAIR = 2;

/**
 * Virtual numbers for many orders of one pool, in few statements. Who finds none here may find some alone: another
 * account, a number that has stood for that person, a number that somebody has let go meanwhile.
 */
export function chooseForLot(
  app: Pick<App, 'stockWatch'>,
  storage: TenantStorage,
  context: LotContext,
  orders: readonly LotOrder[],
): Promise<LotChoice[]> {
  return context.pool.mode === 'dedicated'
    ? chooseDedicated(storage, context, orders)
    : chooseShared(app, storage, context, orders);
}

/** The longest idle, or the one that stood for that person last; those that a caller has met are left out. */
async function chooseDedicated(
  storage: TenantStorage,
  { pool, search }: LotContext,
  orders: readonly LotOrder[],
): Promise<LotChoice[]> {
  const seats = orders.flatMap((order) =>
    order.participants.map(({ callerKey }): Seat => ({ standing: callerKey, dialling: null })),
  );
  const sticky = await stickyNumbers(storage, pool, search, seats);
  const again = [...new Set(sticky.values())];
  const own = new Set(again.length > 0 ? await storage.assignments.lockThese(again, search) : []);
  const locked = await storage.assignments.lockIdle({ ...search, limit: seats.length });
  // What stands for somebody again was idle too, so that it may be among these.
  const idle = locked.filter((number) => !own.has(number));
  const pick = (seat: number): VirtualNumber | undefined => {
    const last = sticky.get(seat);
    return last !== undefined && own.delete(last) ? last : idle.shift();
  };
  let seat = 0;
  const tentative = orders.flatMap(({ place, participants }) => {
    const numbers = participants.map(() => pick(seat++));
    return numbers.some((number) => number === undefined)
      ? []
      : [{ place, participants, numbers: numbers as VirtualNumber[] }];
  });
  const pairs = tentative.flatMap(({ place, participants, numbers }) =>
    participants.flatMap(({ callerKey }, i) =>
      numbers.flatMap((virtualNumber, j) => (i === j ? [] : [{ place, virtualNumber, callerKey }])),
    ),
  );
  const held = await storage.assignments.routesHeld(pairs, search.now);
  const met = new Set([...held].map((i) => pairs[i]?.place));
  return tentative.filter(({ place }) => !met.has(place)).map(({ place, numbers }) => ({ place, numbers }));
}

/**
 * First fit, for orders of two people. What an order of this lot gets, the next of the same people does not: neither
 * as what one of them dials nor as what stands for them.
 */
async function chooseShared(
  app: Pick<App, 'stockWatch'>,
  storage: TenantStorage,
  { tenant, pool, search }: LotContext,
  orders: readonly LotOrder[],
): Promise<LotChoice[]> {
  const pairs = orders.filter(({ participants }) => participants.length === PAIR);
  const seats = pairs.flatMap(({ participants: [one, other] }) =>
    one && other
      ? [
          { standing: one.callerKey, dialling: other.callerKey },
          { standing: other.callerKey, dialling: one.callerKey },
        ]
      : [],
  );
  if (seats.length === 0) return [];
  // Each earlier order of a person takes one number from what they may dial, and one from what may stand for them.
  const limit = Math.min(CANDIDATES_MAXIMUM, 2 * busiest(seats));
  const found = await storage.assignments.sharedCandidates(seats, { ...search, limit });
  const sticky = await stickyNumbers(storage, pool, search, seats);
  const taken = new TakenInLot();
  const choices = pairs.flatMap(({ place }, n) => {
    const mine = seats.slice(PAIR * n, PAIR * n + PAIR);
    const candidates = mine.map((seat, i) => {
      const last = sticky.get(PAIR * n + i);
      const fit = (found[PAIR * n + i] ?? []).map(({ virtualNumber }) => virtualNumber);
      const wanted = last === undefined ? fit : [last, ...fit.filter((number) => number !== last)];
      return wanted.filter((number) => taken.isFree(seat, number));
    });
    const numbers = assignVirtualNumbers(candidates);
    if (numbers === null) return [];
    for (const [i, seat] of mine.entries()) taken.note(seat, numbers[i] as VirtualNumber);
    return [{ place, numbers }];
  });
  await noteHeadroom(app, storage, { tenant, pool, search }, seats, found);
  const chosen = [...new Set(choices.flatMap(({ numbers }) => numbers))];
  if (chosen.length === 0) return [];
  // One that has left service meanwhile is rare; then all of them try alone.
  return (await storage.virtualNumbers.holdThese(chosen)) ? choices : [];
}

function stickyNumbers(
  storage: TenantStorage,
  pool: Pool,
  search: NumberSearch,
  seats: readonly Seat[],
): Promise<ReadonlyMap<number, VirtualNumber>> {
  if (pool.selection !== 'prefer_sticky' || seats.length === 0) return Promise.resolve(new Map());
  return storage.assignments.stickyCandidates(seats, search);
}

/** How often the person who is most often in the lot is. */
function busiest(seats: readonly Seat[]): number {
  const times = new Map<string, number>();
  for (const { standing } of seats) {
    const person = textOf(standing);
    times.set(person, (times.get(person) ?? 0) + 1);
  }
  return Math.max(...times.values());
}

/**
 * A pool is short when one person has few numbers left, and that is the one whom first fit has driven furthest: only
 * that one is looked at closely.
 */
async function noteHeadroom(
  app: Pick<App, 'stockWatch'>,
  storage: TenantStorage,
  { tenant, pool, search }: LotContext,
  seats: readonly Seat[],
  found: readonly (readonly SharedCandidate[])[],
): Promise<void> {
  const spare = pool.stock?.lowWater ?? 0;
  const furthest = found.map((candidates) => candidates[0]?.position ?? Number.POSITIVE_INFINITY);
  const seat = seats[furthest.indexOf(Math.max(...furthest))];
  if (!seat?.dialling) return;
  const candidates = await storage.virtualNumbers.sharedCandidates({
    ...search,
    limit: PAIR + spare,
    callerKeys: [seat.dialling],
    standingFor: seat.standing,
  });
  app.stockWatch.noteHeadroom(tenant, pool.name, candidates.length - PAIR);
}

/** What the orders of a lot have been given so far. */
class TakenInLot {
  readonly #dialled = new Set<string>();
  readonly #standing = new Set<string>();

  isFree({ dialling, standing }: Seat, number: VirtualNumber): boolean {
    const isDialled = dialling !== null && this.#dialled.has(`${textOf(dialling)} ${number}`);
    return !isDialled && !this.#standing.has(`${textOf(standing)} ${number}`);
  }

  note({ dialling, standing }: Seat, number: VirtualNumber): void {
    if (dialling) this.#dialled.add(`${textOf(dialling)} ${number}`);
    this.#standing.add(`${textOf(standing)} ${number}`);
  }
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}
