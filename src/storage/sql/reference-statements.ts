import type { ReferenceStorage } from '../storage.ts';
import { type SqlConnection, statement } from './connection.ts';
import { at } from './parameters.ts';

const referencePlace = statement(
  'reference_place',
  `insert into reference (tenant, reference, pool, placed_at) values ($1, $2, $3, $4)
   on conflict (tenant, reference) do update set pool = coalesce(reference.pool, excluded.pool), placed_at = excluded.placed_at
     where reference.placed_at is null
   returning reference`,
);
// The update changes nothing but takes the row lock, so that two changes of one order queue up here.
const referenceLock = statement(
  'reference_lock',
  `insert into reference (tenant, reference) values ($1, $2)
   on conflict (tenant, reference) do update set reference = excluded.reference
   returning highest_assignment, ended_reason`,
);
const referenceSetHighestAssignment = statement(
  'reference_set_highest_assignment',
  'update reference set highest_assignment = $4, pool = $3 where tenant = $1 and reference = $2',
);
const referenceEnd = statement(
  'reference_end',
  `update reference set ended_at = $4, ended_reason = $3
    where tenant = $1 and reference = $2 and ended_at is null`,
);
const referenceAwaited = statement(
  'reference_awaited',
  `select count(*)::int as count from reference
    where tenant = $1 and pool = $2 and placed_at > $3 and highest_assignment is null and ended_at is null`,
);

export function referenceStatements(connection: SqlConnection, tenant: string): ReferenceStorage {
  return {
    async place(reference, pool, placedAt) {
      const rows = await connection.query(referencePlace, [tenant, reference, pool, at(placedAt)]);
      return rows.length > 0;
    },
    async lock(reference) {
      const [row] = await connection.query<{
        highest_assignment: number | null;
        ended_reason: string | null;
      }>(referenceLock, [tenant, reference]);
      return { highestAssignment: row?.highest_assignment ?? null, endedReason: row?.ended_reason ?? null };
    },
    async setHighestAssignment(reference, pool, assignment) {
      await connection.query(referenceSetHighestAssignment, [tenant, reference, pool, assignment]);
    },
    async end(reference, reason, endedAt) {
      await connection.query(referenceEnd, [tenant, reference, reason, at(endedAt)]);
    },
    async awaited(pool, since) {
      const [row] = await connection.query<{ count: number }>(referenceAwaited, [tenant, pool, at(since)]);
      return row?.count ?? 0;
    },
  };
}
