import { assignVirtualNumbers } from '../domain/allocation.ts';
import type { NumberClass } from '../domain/destination.ts';
import { type Pool, stockAccounts } from '../domain/pool.ts';
import { routePairs, routeTerms } from '../domain/route.ts';
import type { SessionMode } from '../domain/session.ts';
import type { Capability, VirtualNumber } from '../domain/virtual-number.ts';
import type { PhoneNumber } from '../privacy/phone-number.ts';
import type { CallerKey, ParticipantKey, TenantKeys } from '../privacy/vault.ts';
import { StorageContention } from '../storage/storage.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { CandidateSearch } from '../storage/virtual-number-storage.ts';
import type { NewRoute } from '../storage/route-storage.ts';
import type { App } from './app.ts';
import { LIMITS } from './limits.ts';
import { routePlace, withCallerKeys } from './route-place.ts';

export interface AllocatingParticipant {
  readonly id: string;
  readonly role: string;
  readonly realNumber: PhoneNumber;
  readonly numberClass: NumberClass;
  readonly callerKey: CallerKey;
  readonly participantKey: ParticipantKey;
}

export interface AllocatingSession {
  readonly id: string;
  readonly reference: string;
  readonly mode: SessionMode;
  readonly expiresAt: number;
  readonly participants: readonly AllocatingParticipant[];
}

/**
 * Chooses a virtual number for each participant and inserts the routes, or returns null: no legal choice exists.
 *
 * It is optimistic. A choice is made from what is visible, the routes are inserted, and the primary key of
 * `route` is the judge; whoever loses undoes its attempt and chooses again, now seeing what the winner holds.
 * Each failed attempt means that another session has succeeded, so the loop ends.
 *
 * @throws StorageContention after LIMITS.allocationAttempts lost races
 */
export async function allocateNumbers(
  app: Pick<App, 'clock' | 'stockWatch' | 'metrics'>,
  storage: TenantStorage,
  keys: TenantKeys,
  context: { readonly tenant: string; readonly pool: Pool; readonly session: AllocatingSession },
): Promise<readonly VirtualNumber[] | null> {
  const { pool, session } = context;
  const accounts = await accountsOf(storage, pool);
  const choose = pool.mode === 'dedicated' ? chooseDedicated : chooseShared;
  for (let attempt = 0; attempt < LIMITS.allocationAttempts; attempt++) {
    const outcome = await storage.attempt(async () => {
      const choice = await choose(app, storage, { ...context, accounts }, attempt);
      if (choice === 'exhausted' || choice === 'lost') return choice === 'exhausted' ? choice : null;
      const routes = toRoutes(keys, pool, session, choice);
      return (await storage.routes.insertAll(session.id, routes, app.clock.now())) ? choice : null;
    });
    if (outcome === 'exhausted') return null;
    if (outcome !== null) return outcome;
    app.metrics.allocationConflicts.inc({ pool: pool.name });
  }
  throw new StorageContention(`Lost ${LIMITS.allocationAttempts} races for numbers of pool ${pool.name}.`);
}

/** Those that have numbers in service, in the order in which the pool buys from them; the others after them. */
async function accountsOf(storage: TenantStorage, pool: Pool): Promise<readonly string[]> {
  const present = await storage.pools.accounts(pool.name);
  const preferred = pool.stock ? stockAccounts(pool.stock).filter((name) => present.includes(name)) : [];
  return [...new Set([...preferred, ...present])];
}

interface Context {
  readonly tenant: string;
  readonly pool: Pool;
  readonly session: AllocatingSession;
  readonly accounts: readonly string[];
}

type Choice = readonly VirtualNumber[] | 'exhausted' | 'lost';
type Choose = (
  app: Pick<App, 'clock' | 'stockWatch'>,
  storage: TenantStorage,
  context: Context,
  attempt: number,
) => Promise<Choice>;

/**
 * The first attempts, one for each account, take the longest idle numbers that nobody of the session has met,
 * skipping what others are taking. Should that not be enough, the second way is exact: candidates for each
 * participant, a matching, and a claim that waits for whoever holds one of them, so that null means exhausted
 * and not merely contended.
 */
const chooseDedicated: Choose = async (app, storage, { pool, session, accounts }, attempt) => {
  const { participants } = session;
  const now = app.clock.now();
  const quick = pool.selection === 'avoid_sticky' ? accounts[attempt] : undefined;
  if (quick !== undefined) {
    const callerKeys = participants.map((p) => p.callerKey);
    const taken = await storage.virtualNumbers.take(
      { ...searchOf(pool, quick, session, now), callerKeys },
      session.id,
    );
    return taken.length === participants.length ? taken : 'lost';
  }
  for (const account of accounts) {
    const candidates: VirtualNumber[][] = [];
    for (const participant of participants) {
      const search = searchFor(pool, account, session, participant, now);
      const found = await storage.virtualNumbers.idleCandidates(search);
      candidates.push(await preferSticky(storage, pool, participant, search, found));
    }
    const choice = assignVirtualNumbers(candidates);
    if (choice === null) continue;
    return (await storage.virtualNumbers.takeThese(choice, session.id, now)) ? choice : 'lost';
  }
  return 'exhausted';
};

/** First-fit for each participant, numbers that do not stand for that person yet before those that do. */
const chooseShared: Choose = async (app, storage, { tenant, pool, session, accounts }) => {
  const now = app.clock.now();
  const spare = pool.stock?.lowWater ?? 0;
  let headroom = -session.participants.length;
  let choice: readonly VirtualNumber[] | 'exhausted' = 'exhausted';
  for (const account of accounts) {
    const candidates: VirtualNumber[][] = [];
    let fewest = Number.POSITIVE_INFINITY;
    for (const participant of session.participants) {
      const search = searchFor(pool, account, session, participant, now);
      const found = await storage.virtualNumbers.sharedCandidates({
        ...search,
        // A few more than needed tell how far this person is from running out.
        limit: search.limit + spare,
        standingFor: participant.callerKey,
      });
      fewest = Math.min(fewest, found.length - session.participants.length);
      candidates.push(await preferSticky(storage, pool, participant, search, found));
    }
    headroom = Math.max(headroom, fewest);
    choice = assignVirtualNumbers(candidates) ?? 'exhausted';
    if (choice !== 'exhausted') break;
  }
  app.stockWatch.noteHeadroom(tenant, pool.name, headroom);
  if (choice === 'exhausted' || (await storage.virtualNumbers.holdThese(choice))) {
    return choice;
  }
  return 'lost';
};

function searchOf(
  pool: Pool,
  providerAccount: string,
  session: AllocatingSession,
  now: number,
): Omit<CandidateSearch, 'callerKeys'> {
  const capability: Capability = session.mode === 'message' ? 'sms' : 'voice';
  // As many candidates each as there are participants suffice for a matching, if there is one (Hall).
  return { pool: pool.name, providerAccount, capability, now, limit: session.participants.length };
}

/** The others dial it, so the others must not know it. */
function searchFor(
  pool: Pool,
  providerAccount: string,
  session: AllocatingSession,
  participant: AllocatingParticipant,
  now: number,
): CandidateSearch {
  const callers = session.participants.filter((other) => other.id !== participant.id);
  return {
    ...searchOf(pool, providerAccount, session, now),
    callerKeys: callers.map((other) => other.callerKey),
  };
}

async function preferSticky(
  storage: TenantStorage,
  pool: Pool,
  participant: AllocatingParticipant,
  search: CandidateSearch,
  found: readonly VirtualNumber[],
): Promise<VirtualNumber[]> {
  if (pool.selection !== 'prefer_sticky') return [...found];
  const last = await storage.virtualNumbers.lastStoodFor(pool.name, participant.callerKey);
  if (last === null || !(await storage.virtualNumbers.isCandidate(last, search))) return [...found];
  return [last, ...found.filter((candidate) => candidate !== last)];
}

/** The routes of a session: one for each ordered pair of its participants. */
export function toRoutes(
  keys: TenantKeys,
  pool: Pool,
  session: AllocatingSession,
  numbers: readonly VirtualNumber[],
): NewRoute[] {
  const pairs = withCallerKeys(keys, routePairs(session.participants, numbers));
  return pairs.map(({ calling, called, dialled, shown, callerKey, indexKeyId }) => ({
    reference: session.reference,
    virtualNumber: dialled,
    callerKey,
    indexKeyId,
    callingParticipantId: calling.id,
    callingRole: calling.role,
    calledParticipantId: called.id,
    calledRole: called.role,
    sealedDestination: keys.sealNumber(
      called.realNumber,
      routePlace(dialled, callerKey),
      called.participantKey,
    ),
    callingClass: calling.numberClass,
    calledClass: called.numberClass,
    callerId: shown,
    mode: session.mode,
    liveUntil: session.expiresAt,
    ...routeTerms(pool),
  }));
}
