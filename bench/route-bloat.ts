// How `route` and `virtual_number` swell under allocate and release: the product's own statements, in lots, with the
// autovacuum of a server as it is installed.  node bench/route-bloat.ts [cycles] [seconds at most]
import { systemClock } from '../src/lib/clock.ts';
import { systemRandom } from '../src/lib/random.ts';
import { openPostgres } from '../src/storage/postgres/open-postgres.ts';
import { type SqlConnection, statement, systemScope, tenantScope } from '../src/storage/sql/connection.ts';
import { createSqlStorage } from '../src/storage/sql/sql-storage.ts';
import { openTestPostgres } from '../src/storage/testing/open-test-postgres.ts';
import { routeTerms } from '../src/domain/route.ts';
import { randomBytes } from 'node:crypto';
import { percentile } from '../test/production/order-load.ts';
import { defaultPool, POOL, seed, TENANT } from '../test/production/seed.ts';

const LOT = 200;
const NUMBERS = 20_000;
const LOOK_UPS = 200;
const cycles = Number(process.argv[2] ?? 1_000_000);
const limitSeconds = Number(process.argv[3] ?? 120);

// What closing does, for a lot: the routes rest, the numbers come back.
const restRoutes = statement(
  'bloat_rest_routes',
  'update route set live_until = $3, resting_until = $3 where tenant = $1 and session_id = any($2)',
);
const restNumbers = statement(
  'bloat_rest_numbers',
  'update virtual_number set idle_at = $3 where tenant = $1 and last_session_id = any($2)',
);
const sizes = statement(
  'bloat_sizes',
  `select c.relname as name, pg_relation_size(c.oid)::int8 as heap, pg_indexes_size(c.oid)::int8 as indexes,
          s.n_live_tup::int8 as live, s.n_dead_tup::int8 as dead, s.autovacuum_count::int as vacuums,
          s.n_tup_hot_upd::int8 as hot, s.n_tup_upd::int8 as updates
     from pg_class c join pg_stat_user_tables s on s.relid = c.oid
    where c.relname in ('route', 'virtual_number') order by 1`,
);

const server = await openTestPostgres();
const database = await openPostgres({
  connectionString: await server.createDatabase(),
  clock: systemClock,
  random: systemRandom,
  statementTimeoutMs: 60_000,
});
await seed({ database, masterKey: randomBytes(32), numbers: NUMBERS });
const storage = createSqlStorage(database);
const terms = routeTerms(defaultPool());
const known: { virtualNumber: string; callerKey: Uint8Array }[] = [];

async function cycle(lot: number): Promise<void> {
  const ids = Array.from({ length: LOT }, (_, i) => `ses_${lot}_${i}`);
  const now = systemClock.now();
  await storage.transaction(TENANT, async ({ assignments }) => {
    const search = {
      pool: POOL,
      providerAccount: 'operator',
      capability: 'voice',
      now,
      limit: 2 * LOT,
    } as const;
    const numbers = await assignments.lockIdle(search);
    const made = ids.map((id, i) => {
      const pair = numbers.slice(2 * i, 2 * i + 2);
      const participants = pair.map((virtualNumber, p) => ({
        id: `p${p}`,
        role: 'r',
        userId: null,
        sealedNumber: SEALED,
        callerKey: new Uint8Array(randomBytes(32)),
        indexKeyId: 2,
        participantKey: new Uint8Array(randomBytes(32)),
        virtualNumber,
      }));
      return { id, reference: id, assignment: 1, participants };
    });
    await assignments.takeLocked(made);
    await assignments.insertRoutes(
      made.flatMap(({ id, participants }) =>
        participants.map(({ callerKey }, p) => ({
          ...terms,
          sessionId: id,
          reference: id,
          virtualNumber: participants[1 - p]?.virtualNumber as NonNullable<
            (typeof participants)[0]['virtualNumber']
          >,
          callerKey,
          indexKeyId: 2,
          callingParticipantId: 'a',
          callingRole: 'r',
          calledParticipantId: 'b',
          calledRole: 'r',
          sealedDestination: SEALED,
          callingClass: 'GB:mobile' as const,
          calledClass: 'GB:mobile' as const,
          callerId: participants[p]?.virtualNumber as NonNullable<(typeof participants)[0]['virtualNumber']>,
          mode: 'voice_and_message' as const,
          liveUntil: now + 3_600_000,
        })),
      ),
      now,
    );
    const one = made[0]?.participants;
    if (one?.[0] && one[1])
      known.push({ virtualNumber: one[1].virtualNumber ?? '', callerKey: one[0].callerKey });
  });
  await database.transaction(tenantScope(TENANT), async (connection: SqlConnection) => {
    await connection.query(restRoutes, [TENANT, ids, new Date(systemClock.now())]);
    await connection.query(restNumbers, [TENANT, ids, new Date(systemClock.now())]);
  });
}

async function lookUps(): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < LOOK_UPS; i++) {
    const { virtualNumber, callerKey } = known[
      Math.floor((i / LOOK_UPS) * known.length)
    ] as (typeof known)[0];
    const from = performance.now();
    await storage.run(TENANT, (s) =>
      s.routes.lookup({
        providerAccount: null,
        virtualNumber: virtualNumber as never,
        callerKey,
        now: systemClock.now(),
      }),
    );
    times.push(performance.now() - from);
  }
  return times.sort((a, b) => a - b);
}

const SEALED = new Uint8Array(randomBytes(45));
const from = performance.now();
let reported = 0;
for (let done = 0; done < cycles; done += LOT) {
  await cycle(done);
  // The trimmer of the product runs each minute; here each 20,000 cycles, which is a busy minute.
  if (done % 20_000 === 0) {
    const now = systemClock.now();
    while ((await storage.system.trim({ routes: now, inbox: 0, idempotency: 0 }, 5_000)) >= 5_000);
  }
  const seconds = (performance.now() - from) / 1_000;
  const isLast = done + LOT >= cycles || seconds > limitSeconds;
  if (done - reported >= cycles / 10 || isLast || done === 0) {
    reported = done;
    await report(done + LOT, seconds);
    if (isLast) break;
  }
}
await database.close();
await server.stop();

async function report(done: number, seconds: number): Promise<void> {
  const times = await lookUps();
  const rows = await database.run(systemScope, (connection) =>
    connection.query<Record<string, number> & { name: string }>(sizes),
  );
  const megabytes = (bytes: number | undefined): string => `${((bytes ?? 0) / 1_048_576).toFixed(1)} MB`;
  const tables = rows.map(
    ({ name, heap, indexes, live, dead, vacuums, hot, updates }) =>
      `${name} ${megabytes(heap)} + ${megabytes(indexes)} of indexes, ${live} live, ${dead} dead, ` +
      `${vacuums} autovacuums, ${((100 * (hot ?? 0)) / Math.max(1, updates ?? 0)).toFixed(0)} % of updates stay on their page`,
  );
  console.log(
    `${done} cycles, ${(done / Math.max(seconds, 0.001)).toFixed(0)}/s; look-up p50 ${percentile(times, 0.5).toFixed(2)} ms, ` +
      `p99 ${percentile(times, 0.99).toFixed(2)} ms\n  ${tables.join('\n  ')}`,
  );
}
