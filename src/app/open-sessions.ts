import { type Pool, stockAccounts } from '../domain/pool.ts';
import { ClosedReason, type SessionMode } from '../domain/session.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import { createId } from '../lib/id.ts';
import type { TenantKeys } from '../privacy/vault.ts';
import type { InboxEvent, NewAssignment } from '../storage/assignment-storage.ts';
import type { EndingSession } from '../storage/ending-storage.ts';
import { StorageError } from '../storage/storage-error.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { SessionRow } from '../storage/session-storage.ts';
import type { NewRoute } from '../storage/route-storage.ts';
import { toRoutes } from './allocate-numbers.ts';
import type { App } from './app.ts';
import { type Common, toRow } from './assignment-row.ts';
import { findNotAllowed } from './check-destinations.ts';
import { chooseForLot } from './choose-for-lot.ts';
import { announceClosed } from './close-session.ts';
import { closeSessions, countByPool } from './close-sessions.ts';
import { announceOpened, pendingEvents } from './open-session.ts';
import { raiseEvent, sessionEventData } from './raise-event.ts';
import { findObjections } from './refuse-participants.ts';
import type { ResolvedParticipant } from './resolve-participants.ts';

export interface AssignmentRequest {
  readonly reference: string;
  readonly assignment: number;
  readonly participants: readonly ResolvedParticipant[];
  /** null: it was asked for through the API */
  readonly cause: InboxEvent | null;
}

/** What the requests of a lot have in common. */
export interface LotTerms {
  readonly pool: string;
  readonly mode: SessionMode;
  /** null: the pool's `sessionTtlSeconds` */
  readonly expiresInSeconds: number | null;
}

/** `deferred`: nothing was done about this one; ask `openSession`, which can do everything. */
export type AssignmentOutcome = 'applied' | 'duplicate' | 'deferred';

export interface AssignmentResult {
  readonly outcome: AssignmentOutcome;
  /** what was made; null when nothing was */
  readonly session: SessionRow | null;
}

/** Each loser of a race sees next time what the winner holds. */
const ATTEMPTS = 3;

/**
 * `openSession` for many orders of one pool in one transaction of few statements. It does what is usual, and
 * leaves to `openSession` what is not: a person who has met the number, three people who share numbers, a pool that is
 * nearly empty, a refusal. The same locks, unique indexes and inbox rows as there decide, so it may run beside it, and
 * beside itself. Who gets another driver is given numbers first and loses the old ones then, in one transaction.
 */
export async function openSessions(
  app: App,
  tenant: string,
  terms: LotTerms,
  requests: readonly AssignmentRequest[],
): Promise<readonly AssignmentResult[]> {
  const keys = await app.vault.keysOf(tenant);
  const { pool } = terms;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      const done = await app.storage.transaction(tenant, (storage) =>
        new Batch(app, keys, storage, requests).run(terms),
      );
      for (const outcome of ['opened', 'pending'] as const) {
        if (done[outcome] > 0) announceOpened(app, pool, outcome, done[outcome]);
      }
      for (const [name, count] of countByPool(done.replaced)) {
        announceClosed(app, name, ClosedReason.Reassigned, count);
      }
      return done.outcomes.map((outcome, place) => ({ outcome, session: done.sessions.get(place) ?? null }));
    } catch (error) {
      // Somebody was quicker with a number.
      const isLost =
        error instanceof RouteTaken || (error instanceof StorageError && error.code === 'constraint');
      if (!isLost) throw error;
      app.metrics.allocationConflicts.inc({ pool });
    }
  }
  // One by one, each of them finds its own.
  return requests.map(() => ({ outcome: 'deferred', session: null }));
}

class RouteTaken extends Error {}

interface Done {
  readonly outcomes: readonly AssignmentOutcome[];
  /** by their place in the lot */
  readonly sessions: ReadonlyMap<number, SessionRow>;
  readonly opened: number;
  readonly pending: number;
  readonly replaced: readonly EndingSession[];
}

/** What is known of the orders of a lot. */
interface Taken {
  /** places of those that may have this assignment */
  readonly fresh: readonly number[];
  /** references that nobody had heard of */
  readonly made: ReadonlySet<string>;
  /** references that have had an assignment */
  readonly assigned: ReadonlySet<string>;
}

class Batch {
  readonly #app: App;
  readonly #keys: TenantKeys;
  readonly #storage: TenantStorage;
  readonly #requests: readonly AssignmentRequest[];
  readonly #outcomes: AssignmentOutcome[];
  /** by the id of the session that is made */
  readonly #places = new Map<string, number>();

  constructor(app: App, keys: TenantKeys, storage: TenantStorage, requests: readonly AssignmentRequest[]) {
    this.#app = app;
    this.#keys = keys;
    this.#storage = storage;
    this.#requests = requests;
    this.#outcomes = requests.map(() => 'deferred');
  }

  async run({ pool: poolName, mode, expiresInSeconds }: LotTerms): Promise<Done> {
    const pool = await this.#storage.pools.get(poolName);
    const nothing = { outcomes: this.#outcomes, sessions: new Map(), opened: 0, pending: 0, replaced: [] };
    if (pool === null) return nothing;
    const noted = await this.#note(await this.#acceptable(pool));
    const { fresh, made: novel, assigned } = await this.#fresh(noted, pool);
    const othersWait = (await this.#storage.sessions.countPending(pool.name)) > 0;
    const now = this.#app.clock.now();
    const expiresAt = now + (expiresInSeconds ?? pool.sessionTtlSeconds) * 1_000;
    const common = { pool: pool.name, mode, now, expiresAt };
    const choice = othersWait
      ? { opened: [], pending: this.#waiting(fresh, assigned) }
      : { opened: await this.#choose(pool, fresh, common), pending: [] };
    const made = [...choice.opened, ...choice.pending];
    await this.#leave(
      noted.filter((place) => this.#outcomes[place] === 'deferred'),
      novel,
    );
    if (made.length === 0) return nothing;
    // Before the new ones are made: of the sessions of an order one lives at most.
    const replaced = await this.#replaced(made, assigned);
    const closings = await closeSessions(this.#app, this.#storage, replaced, ClosedReason.Reassigned);
    const placed = made.filter(({ reference }) => !novel.has(reference));
    if (placed.length > 0) await this.#storage.assignments.setHighestAssignments(placed, pool.name);
    if (choice.opened.length > 0) await this.#open(pool, choice.opened, common);
    if (choice.pending.length > 0) {
      const pending = { ...common, state: 'pending', exclusive: false } as const;
      await this.#storage.assignments.insertSessions(choice.pending, pending);
    }
    const exclusive = pool.mode === 'dedicated';
    const opened = choice.opened.map((one) => toRow(one, { ...common, state: 'open', exclusive }));
    const pending = choice.pending.map((one) =>
      toRow(one, { ...common, state: 'pending', exclusive: false }),
    );
    await this.#storage.outboxAppend([
      ...closings,
      ...opened.map((row) => raiseEvent(this.#app, 'session.opened', row.reference, sessionEventData(row))),
      ...pending.flatMap((row) => pendingEvents(this.#app, row)),
    ]);
    const sessions = new Map([...opened, ...pending].map((row) => [this.#places.get(row.id) ?? -1, row]));
    return { outcomes: this.#outcomes, sessions, opened: opened.length, pending: pending.length, replaced };
  }

  /** Places of those that nothing speaks against; a reference that is there twice waits for its own turn. */
  async #acceptable(pool: Pool): Promise<number[]> {
    const people = this.#requests.flatMap((request) => request.participants);
    const now = this.#app.clock.now();
    const objections = await findObjections(this.#storage, this.#keys, pool, people, now);
    const refused = new Set([...objections.keys()].map((index) => people[index]));
    const seen = new Set<string>();
    return this.#requests.flatMap(({ reference, participants }, place) => {
      if (seen.has(reference)) return [];
      seen.add(reference);
      const isRefused = participants.some((participant) => refused.has(participant));
      return isRefused || findNotAllowed(pool, participants) ? [] : [place];
    });
  }

  /** Writes the inbox rows. Returns the places of those that were not applied before. */
  async #note(places: readonly number[]): Promise<number[]> {
    const caused = places.filter((place) => this.#request(place).cause !== null);
    if (caused.length === 0) return [...places];
    const events = caused.flatMap((place) => this.#request(place).cause ?? []);
    const fresh = await this.#storage.assignments.inboxInsert(events, this.#app.clock.now());
    for (const [i, place] of caused.entries()) if (!fresh.has(i)) this.#outcomes[place] = 'duplicate';
    return places.filter((place) => this.#outcomes[place] !== 'duplicate');
  }

  /** Locks the orders. What has ended or has a newer assignment is done with. */
  async #fresh(places: readonly number[], pool: Pool): Promise<Taken> {
    const requests = places.map((place) => this.#request(place));
    const { fresh: made, known } = await this.#storage.assignments.takeReferences(requests, pool.name);
    const fresh = places.filter((place) => {
      const { reference, assignment } = this.#request(place);
      if (made.has(reference)) return true;
      const row = known.get(reference);
      if (row === undefined) return false;
      const isOld = row.highestAssignment !== null && assignment <= row.highestAssignment;
      // Ended, superseded or known: there is nothing to do, and that is remembered.
      if (row.endedReason !== null || isOld) this.#outcomes[place] = 'applied';
      return row.endedReason === null && !isOld;
    });
    const assigned = [...known].flatMap(([reference, row]) =>
      row.highestAssignment === null ? [] : [reference],
    );
    return { fresh, made, assigned: new Set(assigned) };
  }

  /** Those who wait are served before anybody new. Whose own session waits is not behind themselves: `openSession` sees. */
  #waiting(places: readonly number[], assigned: ReadonlySet<string>): NewAssignment[] {
    return places
      .filter((place) => !assigned.has(this.#request(place).reference))
      .map((place) => this.#assignment(place, null));
  }

  /** The sessions whose place these take. */
  async #replaced(
    made: readonly NewAssignment[],
    assigned: ReadonlySet<string>,
  ): Promise<readonly EndingSession[]> {
    const references = made.map(({ reference }) => reference).filter((one) => assigned.has(one));
    return references.length === 0 ? [] : this.#storage.endings.liveSessions(references);
  }

  /** Takes back what was written about those that are for `openSession`. */
  async #leave(places: readonly number[], novel: ReadonlySet<string>): Promise<void> {
    if (places.length === 0) return;
    const requests = places.map((place) => this.#request(place));
    const events = requests.flatMap(({ cause }) => cause ?? []);
    if (events.length > 0) await this.#storage.assignments.inboxForget(events);
    const references = requests.map(({ reference }) => reference).filter((one) => novel.has(one));
    if (references.length > 0) await this.#storage.assignments.forgetReferences(references);
  }

  async #choose(pool: Pool, places: readonly number[], { mode, now }: Common): Promise<NewAssignment[]> {
    const providerAccount = places.length === 0 ? null : await this.#firstAccount(pool);
    if (providerAccount === null) return [];
    const orders = places.map((place) => ({ place, participants: this.#request(place).participants }));
    const capability = mode === 'message' ? 'sms' : 'voice';
    const search = { pool: pool.name, providerAccount, capability, now } as const;
    const context = { tenant: this.#keys.tenant, pool, search };
    const choices = await chooseForLot(this.#app, this.#storage, context, orders);
    return choices.map(({ place, numbers }) => this.#assignment(place, numbers));
  }

  async #firstAccount(pool: Pool): Promise<string | null> {
    const present = await this.#storage.pools.accounts(pool.name);
    const preferred = pool.stock
      ? stockAccounts(pool.stock).find((name) => present.includes(name))
      : undefined;
    return preferred ?? present[0] ?? null;
  }

  #assignment(place: number, numbers: readonly VirtualNumber[] | null): NewAssignment {
    this.#outcomes[place] = 'applied';
    const { reference, assignment, participants } = this.#request(place);
    const id = createId('ses', this.#app.clock, this.#app.random);
    this.#places.set(id, place);
    return {
      id,
      reference,
      assignment,
      participants: participants.map((p, i) => ({ ...p, virtualNumber: numbers?.[i] ?? null })),
    };
  }

  async #open(pool: Pool, opened: readonly NewAssignment[], common: Common): Promise<void> {
    const { assignments } = this.#storage;
    const routes = opened.flatMap((one) => this.#routes(pool, one, common));
    const exclusive = pool.mode === 'dedicated';
    if (exclusive) await assignments.takeLocked(opened);
    await assignments.insertSessions(opened, { ...common, state: 'open', exclusive });
    if ((await assignments.insertRoutes(routes, common.now)) !== routes.length) throw new RouteTaken();
  }

  #routes(pool: Pool, one: NewAssignment, { mode, expiresAt }: Common): (NewRoute & { sessionId: string })[] {
    const participants = one.participants as readonly (ResolvedParticipant & {
      virtualNumber: VirtualNumber;
    })[];
    const session = { id: one.id, reference: one.reference, mode, expiresAt, participants };
    const numbers = participants.map((p) => p.virtualNumber);
    return toRoutes(this.#keys, pool, session, numbers).map((route) => ({
      ...route,
      sessionId: one.id,
    }));
  }

  #request(place: number): AssignmentRequest {
    return this.#requests[place] as AssignmentRequest;
  }
}
