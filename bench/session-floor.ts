import { randomBytes } from 'node:crypto';
import type { SqlConnection } from '../src/storage/sql/connection.ts';
import { statement, systemScope } from '../src/storage/sql/connection.ts';
import type { Deployment } from '../test/production/deployment.ts';

// The i-th virtual number of test/production/seed.ts.
const NUMBER = (i: string): string =>
  `('+1' || (200 + (${i}) / 50)::text || '55501' || lpad((((${i}) % 50) * 2 + 1)::text, 2, '0'))`;

// The rows of one opened session and nothing else: no look-ups, no choice, no crypto, nobody to wait for.
const insertRows = statement(
  'floor_rows',
  `with n as materialized (
     select i, 'floor-' || i as id, 'floor-ref-' || i as reference from generate_series($2::int, $3::int - 1) i),
   inbox_rows as (insert into inbox (tenant, source, event_id, received_at) select $1, '/floor', id, $4 from n),
   reference_rows as (
     insert into reference (tenant, reference, pool, highest_assignment) select $1, reference, 'city', 1 from n),
   outbox_rows as (
     insert into outbox (tenant, event_id, type, key, data, occurred_at)
     select $1, id, 'session.opened', reference, $6::jsonb, $4 from n)
   insert into session (tenant, id, reference, assignment, pool, mode, state, created_at, opened_at, expires_at)
   select $1, id, reference, 1, 'city', 'voice_and_message', 'open', $4, $4, $5 from n`,
);
const takeNumbers = statement(
  'floor_numbers',
  `update virtual_number v set idle_at = null, last_session_id = n.id
     from (select 'floor-' || i / 2 as id, ${NUMBER('i')} as number from generate_series(2 * $2::int, 2 * $3::int - 1) i) n
    where v.tenant = $1 and v.virtual_number = n.number`,
);
const insertPeople = statement(
  'floor_people',
  `with keys as (
     insert into participant_key (tenant, session_id, participant_id, key)
     select $1, 'floor-' || i, 'p' || p, sha256((p || '-' || i)::bytea)
       from generate_series($2::int, $3::int - 1) i, generate_series(0, 1) p)
   insert into participant (tenant, session_id, id, place, role, user_id, sealed_number, caller_key, virtual_number, exclusive)
   select $1, 'floor-' || i, 'p' || p, p, case p when 0 then 'customer' else 'driver' end, 'u' || i, $4,
          sha256((i || '-' || p)::bytea), ${NUMBER('2 * i + p')}, true
     from generate_series($2::int, $3::int - 1) i, generate_series(0, 1) p`,
);
const insertRoutes = statement(
  'floor_routes',
  `insert into route (tenant, virtual_number, caller_key, session_id, reference, calling_participant, calling_role,
       called_participant, called_role, sealed_destination, caller_id, mode, live_until, ring_timeout_seconds, max_call_seconds)
   select $1, ${NUMBER('2 * i + p')}, sha256((i || '-' || (1 - p))::bytea), 'floor-' || i, 'floor-ref-' || i, 'p' || (1 - p),
          'customer', 'p' || p, 'driver', $4, ${NUMBER('2 * i + 1 - p')}, 'voice_and_message', $5, 25, 3600
     from generate_series($2::int, $3::int - 1) i, generate_series(0, 1) p`,
);
const clear = ['outbox', 'inbox', 'route', 'session', 'reference'].map((table) =>
  statement(`floor_clear_${table}`, `delete from ${table}`),
);
const release = statement(
  'floor_release',
  'update virtual_number set idle_at = created_at, last_session_id = null where last_session_id is not null',
);

const CONNECTIONS = 2;
const SEALED = randomBytes(45);
const DATA = JSON.stringify({ sessionId: 'x'.repeat(30), participants: 'x'.repeat(250) });

/**
 * Sessions a second that the database writes when it is told nothing but the rows, in batches, over two connections.
 * Afterwards it holds no session any more, of nobody.
 */
export async function measureFloor(
  deployment: Pick<Deployment, 'database'>,
  sessions: number,
  batch: number,
): Promise<number> {
  const { database } = deployment;
  const tenant = 'default';
  const now = new Date();
  const later = new Date(now.getTime() + 3_600_000);
  await clearSessions(deployment);
  let next = 0;
  const write = async (connection: SqlConnection, from: number, to: number): Promise<void> => {
    await connection.query(insertRows, [tenant, from, to, now, later, DATA]);
    await connection.query(takeNumbers, [tenant, from, to]);
    await connection.query(insertPeople, [tenant, from, to, SEALED]);
    await connection.query(insertRoutes, [tenant, from, to, SEALED, later]);
  };
  const from = performance.now();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (next < sessions) {
        const first = next;
        next += batch;
        await database.transaction(systemScope, (c) => write(c, first, Math.min(first + batch, sessions)));
      }
    }),
  );
  const rate = (1_000 * sessions) / (performance.now() - from);
  await clearSessions(deployment);
  return rate;
}

async function clearSessions({ database }: Pick<Deployment, 'database'>): Promise<void> {
  await database.run(systemScope, async (connection) => {
    for (const one of clear) await connection.query(one);
    await connection.query(release);
  });
  await database.asOwner((session) => session.execute('vacuum analyze'));
}
