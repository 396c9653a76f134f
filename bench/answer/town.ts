import { createPool } from '../../src/app/create-pool.ts';
import type { App } from '../../src/app/app.ts';
import { routePlace } from '../../src/app/route-place.ts';
import type { VirtualNumber } from '../../src/domain/virtual-number.ts';
import { invariant } from '../../src/lib/assert.ts';
import { PhoneNumber } from '../../src/privacy/phone-number.ts';
import {
  type Database,
  type OwnedDatabase,
  statement,
  systemScope,
} from '../../src/storage/sql/connection.ts';
import { defaultPool, personNumber, POOL } from '../../test/production/seed.ts';

export const TENANT = 'bench';
export const ACCOUNT = { id: 'acc_bench', name: 'operator', pathSecret: 's'.repeat(22) } as const;

/** A person who can call somebody: what the load dials, and from where. */
export interface Caller {
  readonly callingNumber: string;
  readonly virtualNumber: string;
}

/** So many routes can be called; the others are as long and as many as they, and nobody's number opens them. */
const CALLABLE_MAXIMUM = 100_000;
const BATCH = 5_000;
const FILL_BATCH = 250_000;
/** One virtual number serves so many callers, or more: the pool is shared. */
const ROUTES_A_NUMBER = 50;
/** As many as are reserved for fiction, shared out between people and virtual numbers as the tests do. */
const PERSONS = 40_000;
const NUMBERS_MAXIMUM = 40_000;

/** The n-th virtual number; the same as `virtual(n)`. */
function numberSql(n: string): string {
  return `'+1' || (200 + (${n}) / 50)::text || '55501' || lpad((((${n}) % 50) * 2 + 1)::text, 2, '0')`;
}
const addNumbers = statement(
  'bench_numbers',
  `insert into virtual_number (tenant, virtual_number, pool, provider_account, capabilities, state, idle_at, created_at)
   select $1, ${numberSql('n')}, $2, $3, '{voice,sms}', 'in_service', $4, $4
     from generate_series($5::int, $6::int - 1) n on conflict do nothing`,
);
const addSessions = statement(
  'bench_sessions',
  `insert into session (tenant, id, reference, assignment, pool, mode, state, created_at, opened_at, expires_at)
   select $1, 'ses_' || n, 'order-' || n, 1, $2, 'voice_and_message', 'open', $3, $3, $4
     from generate_series($5::int, $6::int - 1) n`,
);
const addRoutes = statement(
  'bench_routes',
  `insert into route (tenant, virtual_number, caller_key, session_id, reference, calling_participant, calling_role,
       called_participant, called_role, sealed_destination, caller_id, mode, live_until, ring_timeout_seconds,
       max_call_seconds, concurrent_calls_max, hourly_attempts_max, total_talk_seconds_max, calling_class, called_class)
   select $1, q.virtual_number, q.caller_key, q.session_id, 'order-' || substr(q.session_id, 5), 'par_a', 'customer', 'par_b',
       'driver', q.sealed, q.caller_id, 'voice_and_message', $2, 25, 3600, 1000, 1000, 1000000000,
       'US:fiction', 'US:fiction'
     from unnest($3::text[], $4::bytea[], $5::text[], $6::bytea[], $7::text[])
       as q (virtual_number, caller_key, session_id, sealed, caller_id)`,
);
const addKeys = statement(
  'bench_keys',
  `insert into participant_key (tenant, session_id, participant_id, key)
   select $1, q.session_id, 'par_b', q.key from unnest($2::text[], $3::bytea[]) as q (session_id, key)`,
);
const fillRoutes = statement(
  'bench_fill_routes',
  `insert into route (tenant, virtual_number, caller_key, session_id, reference, calling_participant, calling_role,
       called_participant, called_role, sealed_destination, caller_id, mode, live_until, ring_timeout_seconds,
       max_call_seconds)
   select $1, ${numberSql('n % $3::int')}, sha256(n::text::bytea), 'ses_' || n, 'order-' || n, 'par_a', 'customer', 'par_b', 'driver',
       sha256(n::text::bytea) || substring(sha256(n::text::bytea) for 13), ${numberSql('(n + 1) % $3::int')},
       'voice_and_message', $2, 25, 3600
     from generate_series($4::int, $5::int - 1) n`,
);
const fillKeys = statement(
  'bench_fill_keys',
  `insert into participant_key (tenant, session_id, participant_id, key)
   select $1, 'ses_' || n, 'par_b', sha256(n::text::bytea) from generate_series($2::int, $3::int - 1) n`,
);

type Owned = Database & OwnedDatabase;

/** A tenant with one account and a shared pool, and as many live routes as wanted. */
export class Town {
  readonly callers: Caller[] = [];
  readonly #app: App;
  readonly #database: Owned;
  #routes = 0;

  private constructor(app: App, database: Owned) {
    this.#app = app;
    this.#database = database;
  }

  static async found(app: App, database: Owned): Promise<Town> {
    const now = app.clock.now();
    await app.storage.system.tenantInsert(TENANT, TENANT, now);
    const sealedCredentials = (await app.vault.keysOf(TENANT)).sealText('{}', {
      table: 'provider_account',
      row: ACCOUNT.id,
    });
    const account = { tenant: TENANT, id: ACCOUNT.id, name: ACCOUNT.name, provider: 'twilio', settings: {} };
    await app.storage.run(TENANT, (s) => s.providerAccounts.insert({ ...account, sealedCredentials }, now));
    await createPool(app, { tenant: TENANT, pool: { ...defaultPool(), mode: 'shared' } });
    return new Town(app, database);
  }

  get routes(): number {
    return this.#routes;
  }

  /** Adds routes until there are so many, callable ones first; then lets the planner see them. */
  async grow(routes: number, progress: (text: string) => void): Promise<void> {
    await this.#database.asOwner(async (owner) => {
      // Sessions and participants of routes that nobody calls are left out: a call does not look at them.
      await owner.execute('set session_replication_role = replica');
      const numbers = Math.min(NUMBERS_MAXIMUM, Math.max(100, Math.ceil(routes / ROUTES_A_NUMBER)));
      const instant = new Date(this.#app.clock.now());
      await owner.query(addNumbers, [TENANT, POOL, ACCOUNT.name, instant, 0, numbers]);
      while (this.#routes < routes) {
        const callable = Math.min(CALLABLE_MAXIMUM, routes);
        if (this.#routes < callable)
          await this.#addCallable(owner, Math.min(BATCH, callable - this.#routes), numbers);
        else {
          const to = Math.min(routes, this.#routes + FILL_BATCH);
          await owner.query(fillRoutes, [TENANT, this.#liveUntil(), numbers, this.#routes, to]);
          await owner.query(fillKeys, [TENANT, this.#routes, to]);
          this.#routes = to;
        }
        progress(`${this.#routes} of ${routes} routes`);
      }
      await owner.execute('set session_replication_role = origin');
      await owner.execute('vacuum (analyze) virtual_number, session, route, participant_key');
      await owner.execute('checkpoint');
    });
  }

  #liveUntil(): Date {
    return new Date(this.#app.clock.now() + 86_400_000);
  }

  async #addCallable(owner: { query: Query }, count: number, numbers: number): Promise<void> {
    const keys = await this.#app.vault.keysOf(TENANT);
    const first = this.#routes;
    const now = this.#app.clock.now();
    await owner.query(addSessions, [TENANT, POOL, new Date(now), this.#liveUntil(), first, first + count]);
    const added = Array.from({ length: count }, (_, i) => {
      const n = first + i;
      const callingNumber = personNumber(n);
      // Spread over all numbers, as the routes that nobody calls are.
      const place = n * 7_919 + Math.floor(n / PERSONS);
      const virtualNumber = virtual(place % numbers);
      const callerId = virtual((place + 1) % numbers);
      const participantKey = keys.createParticipantKey();
      const callerKey = keys.callerKey(number(callingNumber));
      const destination = number(personNumber(n + 1));
      const sealed = keys.sealNumber(destination, routePlace(virtualNumber, callerKey), participantKey);
      this.callers.push({ callingNumber, virtualNumber });
      return { session: `ses_${n}`, virtualNumber, callerId, callerKey, sealed, participantKey };
    });
    await owner.query(addRoutes, [
      TENANT,
      this.#liveUntil(),
      added.map((one) => one.virtualNumber),
      added.map((one) => one.callerKey),
      added.map((one) => one.session),
      added.map((one) => one.sealed),
      added.map((one) => one.callerId),
    ]);
    await owner.query(addKeys, [
      TENANT,
      added.map((one) => one.session),
      added.map((one) => one.participantKey),
    ]);
    this.#routes += count;
  }
}

type Query = (statement: { name: string; text: string }, values: readonly unknown[]) => Promise<unknown>;

/** Calls that were connected, for the proof that every answer left its record. */
export async function countCalls(database: Database): Promise<{ readonly bridged: number }> {
  const [row] = await database.run(systemScope, (connection) =>
    connection.query<{ bridged: number }>(
      statement(
        'bench_count_calls',
        `select count(*)::int as bridged from call where tenant = $1 and reason = 'ok'`,
      ),
      [TENANT],
    ),
  );
  return row ?? { bridged: 0 };
}

function virtual(n: number): VirtualNumber {
  const text = `+1${200 + Math.floor(n / 50)}55501${String((n % 50) * 2 + 1).padStart(2, '0')}`;
  return text as VirtualNumber;
}

function number(text: string): PhoneNumber {
  const parsed = PhoneNumber.parse(text);
  invariant(parsed, `${text} is no number`);
  return parsed;
}
