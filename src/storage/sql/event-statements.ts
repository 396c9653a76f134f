import type { MaskingEvent } from '../../domain/events.ts';
import type { Instant } from '../../lib/clock.ts';
import type { OutboxRow } from '../storage.ts';
import type { OutboxEvent } from '../outbox-storage.ts';
import { type SqlConnection, statement } from './connection.ts';
import { at } from './parameters.ts';

const inboxInsert = statement(
  'inbox_insert',
  `insert into inbox (tenant, source, event_id, received_at) values ($1, $2, $3, $4)
   on conflict do nothing returning event_id`,
);
const inboxKnown = statement(
  'inbox_known',
  'select 1 from inbox where tenant = $1 and source = $2 and event_id = $3',
);
const outboxAppend = statement(
  'outbox_append',
  `insert into outbox (tenant, event_id, type, key, data, occurred_at)
   select $1, e.event_id, e.type, e.key, e.data::jsonb, e.occurred_at
     from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
       with ordinality as e (event_id, type, key, data, occurred_at, place)
    order by e.place`,
);
const outboxOldest = statement(
  'outbox_oldest',
  'select id, tenant, event_id, type, key, data, occurred_at from outbox order by id limit $1',
);
const outboxDelete = statement('outbox_delete', 'delete from outbox where id = any($1::bigint[])');
const outboxSize = statement('outbox_size', 'select count(*)::int as count from outbox');

export async function insertInbox(
  connection: SqlConnection,
  tenant: string,
  source: string,
  eventId: string,
  receivedAt: Instant,
): Promise<boolean> {
  return (await connection.query(inboxInsert, [tenant, source, eventId, at(receivedAt)])).length > 0;
}

export async function isInboxKnown(
  connection: SqlConnection,
  tenant: string,
  source: string,
  eventId: string,
): Promise<boolean> {
  return (await connection.query(inboxKnown, [tenant, source, eventId])).length > 0;
}

export async function appendOutbox(
  connection: SqlConnection,
  tenant: string,
  events: readonly OutboxEvent[],
): Promise<void> {
  if (events.length === 0) return;
  await connection.query(outboxAppend, [
    tenant,
    events.map((e) => e.eventId),
    events.map((e) => e.event.type),
    events.map((e) => e.event.key),
    events.map((e) => JSON.stringify(e.event.data)),
    events.map((e) => at(e.occurredAt)),
  ]);
}

interface Row {
  readonly id: number;
  readonly tenant: string;
  readonly event_id: string;
  readonly type: string;
  readonly key: string;
  readonly data: unknown;
  readonly occurred_at: Instant;
}

export async function listOutbox(connection: SqlConnection, limit: number): Promise<OutboxRow[]> {
  return (await connection.query<Row>(outboxOldest, [limit])).map(toOutboxRow);
}

export async function deleteOutbox(connection: SqlConnection, ids: readonly number[]): Promise<void> {
  await connection.query(outboxDelete, [ids]);
}

export async function countOutbox(connection: SqlConnection): Promise<number> {
  const [row] = await connection.query<{ count: number }>(outboxSize);
  return row?.count ?? 0;
}

function toOutboxRow(row: Row): OutboxRow {
  // The row was written by appendOutbox or beside a call or message, from a MaskingEvent.
  const event = { type: row.type, key: row.key, data: row.data } as MaskingEvent;
  return { id: row.id, tenant: row.tenant, eventId: row.event_id, event, occurredAt: row.occurred_at };
}
