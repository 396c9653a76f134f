import type { Clock } from '../../lib/clock.ts';
import { type Database, statement, systemScope } from '../../storage/sql/connection.ts';

/** How long a consumer that fell silent keeps its group from being served by another. */
export const LEASE_MS = 10_000;
const RENEWAL_MS = 3_000;

// An owner counts as gone when its time is up, when its time lies further ahead than any lease can (the clock
// was set back), and when it is not of this process although no other process can be there ($6).
const busGroupClaim = statement(
  'bus_group_claim',
  `insert into bus_group_offset ("group", topic, next_offset, owner, owned_until) values ($1, $2, 0, $3, $4)
   on conflict ("group", topic) do update set owner = excluded.owner, owned_until = excluded.owned_until
     where bus_group_offset.owner is null or bus_group_offset.owner = excluded.owner
        or bus_group_offset.owned_until <= $5 or bus_group_offset.owned_until > excluded.owned_until
        or not starts_with(bus_group_offset.owner, $6::text)
   returning next_offset::text as next_offset`,
);
const busGroupCommit = statement(
  'bus_group_commit',
  `update bus_group_offset set next_offset = $4::bigint, owned_until = $5
    where "group" = $1 and topic = $2 and owner = $3 returning 1`,
);
const busGroupRelease = statement(
  'bus_group_release',
  `update bus_group_offset set owner = null, owned_until = null
    where "group" = $1 and topic = $2 and owner = $3`,
);

export interface GroupOwner {
  readonly group: string;
  readonly topic: string;
  /** of this consumer alone; begins with the id of its bus */
  readonly owner: string;
  /** the id of the bus when no other process can use the database, else null */
  readonly onlyBusId: string | null;
}

/**
 * Where a group stands on a topic, and the right of one consumer to move it. The right runs out, so that the
 * death of its holder stops nobody for long; a holder that slept too long finds its commit refused.
 */
export class GroupPosition {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #who: GroupOwner;
  #next: bigint | null = null;
  #renewAt = 0;

  constructor(database: Database, clock: Clock, who: GroupOwner) {
    this.#database = database;
    this.#clock = clock;
    this.#who = who;
  }

  /** The first offset that is not committed, or null while another consumer of the group is at work. */
  async claim(): Promise<bigint | null> {
    const now = this.#clock.now();
    // A clock that was set back lies before the renewal as well: then ask again.
    const fresh = now < this.#renewAt && now >= this.#renewAt - RENEWAL_MS;
    return fresh && this.#next !== null ? this.#next : this.renew();
  }

  async renew(): Promise<bigint | null> {
    const { group, topic, owner, onlyBusId } = this.#who;
    const now = this.#clock.now();
    const values = [group, topic, owner, new Date(now + LEASE_MS), new Date(now), onlyBusId];
    const [row] = await this.#database.run(systemScope, (connection) =>
      connection.query<{ next_offset: string }>(busGroupClaim, values),
    );
    this.#next = row ? BigInt(row.next_offset) : null;
    this.#renewAt = now + RENEWAL_MS;
    return this.#next;
  }

  /** Keeps the right for as long as `work` takes. */
  async keepDuring<T>(work: () => Promise<T>): Promise<T> {
    let done = false;
    let renewal = Promise.resolve();
    let timer = this.#clock.after(RENEWAL_MS, renewInTime);
    const renewAndGoOn = async (): Promise<void> => {
      try {
        await this.renew();
      } catch {
        // The database is away; the commit will tell whether the right was lost meanwhile.
      }
      if (!done) timer = this.#clock.after(RENEWAL_MS, renewInTime);
    };
    function renewInTime(): void {
      renewal = renewAndGoOn();
    }
    try {
      return await work();
    } finally {
      done = true;
      timer.cancel();
      // A renewal that is still under way would report the position from before the commit.
      await renewal;
    }
  }

  /** False when another consumer has taken over: the messages are being delivered there again. */
  async commit(next: bigint): Promise<boolean> {
    const { group, topic, owner } = this.#who;
    const now = this.#clock.now();
    const values = [group, topic, owner, String(next), new Date(now + LEASE_MS)];
    const rows = await this.#database.run(systemScope, (connection) =>
      connection.query(busGroupCommit, values),
    );
    const committed = rows.length > 0;
    this.#next = committed ? next : null;
    if (committed) this.#renewAt = now + RENEWAL_MS;
    return committed;
  }

  /** Lets another consumer of the group begin at once. */
  async release(): Promise<void> {
    const { group, topic, owner } = this.#who;
    await this.#database.run(systemScope, (connection) =>
      connection.query(busGroupRelease, [group, topic, owner]),
    );
    this.#next = null;
  }
}
