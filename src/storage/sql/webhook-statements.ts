import type { MaskingEventType } from '../../domain/events.ts';
import type { Instant } from '../../lib/clock.ts';
import type {
  DueDelivery,
  WebhookDelivery,
  WebhookRow,
  WebhookStorage,
  WebhookSystemStorage,
} from '../webhook-storage.ts';
import { type Database, type SqlConnection, statement, systemScope } from './connection.ts';
import { at, atOrNull } from './parameters.ts';

const WEBHOOK = `tenant, id, url, event_types as "eventTypes", state, disabled_reason as "disabledReason",
  sealed_secret as "sealedSecret", created_at as "createdAt"`;
const DELIVERY = `d.id, d.webhook_id as "webhookId", d.event_id as "eventId", d.type, d.payload,
  d.occurred_at as "occurredAt", d.state, d.attempts, d.next_at as "nextAt", d.settled_at as "settledAt",
  d.last_status as "lastStatus", d.last_error as "lastError"`;

const webhookInsert = statement(
  'webhook_insert',
  `insert into webhook (tenant, id, url, event_types, state, disabled_reason, sealed_secret, created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8)`,
);
const webhookGet = statement('webhook_get', `select ${WEBHOOK} from webhook where tenant = $1 and id = $2`);
const webhookList = statement(
  'webhook_list',
  `select ${WEBHOOK} from webhook where tenant = $1 and ($2::text is null or id > $2) order by id limit $3`,
);
const webhookUpdate = statement(
  'webhook_update',
  `update webhook set url = $3, event_types = $4, state = $5, disabled_reason = $6, sealed_secret = $7
    where tenant = $1 and id = $2`,
);
const deliveryList = statement(
  'webhook_delivery_list',
  `select ${DELIVERY} from webhook_delivery d
    where d.tenant = $1 and d.webhook_id = $2 and ($3::bigint is null or d.id < $3) order by d.id desc limit $4`,
);
const deliverySettle = statement(
  'webhook_delivery_settle',
  `update webhook_delivery set state = $3, attempts = $4, next_at = $5, settled_at = $6, last_status = $7, last_error = $8
    where tenant = $1 and id = $2`,
);
const deliveryReplay = statement(
  'webhook_delivery_replay',
  `update webhook_delivery set state = 'waiting', attempts = 0, next_at = $5, settled_at = null
    where tenant = $1 and webhook_id = $2 and state <> 'waiting' and occurred_at >= $4
      and case when $3::bigint is null then state = 'failed' else id = $3 end
   returning id`,
);
const fanOut = statement(
  'webhook_fan_out',
  `insert into webhook_delivery (tenant, webhook_id, event_id, type, payload, occurred_at, state, next_at)
   select e.tenant, w.id, e.event_id, e.type, e.payload::jsonb, e.occurred_at, 'waiting', $6
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
       with ordinality as e (tenant, event_id, type, payload, occurred_at, place)
     join webhook w on w.tenant = e.tenant and w.state = 'enabled' and e.type = any(w.event_types)
    order by e.place
   on conflict (tenant, webhook_id, event_id) do nothing returning id`,
);
// Which tenants have anybody to send to; most have not, and their events need not travel here.
const fanOutTenants = statement(
  'webhook_fan_out_tenants',
  `select distinct tenant from webhook where tenant = any($1::text[]) and state = 'enabled'`,
);
const deliveryTake = statement(
  'webhook_delivery_take',
  `with due as materialized (
     select d.tenant, d.id from webhook_delivery d
       join webhook w on w.tenant = d.tenant and w.id = d.webhook_id and w.state = 'enabled'
      where d.state = 'waiting' and d.next_at <= $1 order by d.next_at limit $3 for update of d skip locked),
   taken as (
     update webhook_delivery d set next_at = $2 from due where d.tenant = due.tenant and d.id = due.id
     returning d.*)
   select ${DELIVERY}, d.tenant, w.url, w.sealed_secret as "sealedSecret"
     from taken d join webhook w on w.tenant = d.tenant and w.id = d.webhook_id order by d.id`,
);
const deliveryTrim = statement(
  'webhook_delivery_trim',
  `delete from webhook_delivery where (tenant, id) in (
     select tenant, id from webhook_delivery where occurred_at < $1 order by occurred_at limit $2) returning 1`,
);

export function webhookStatements(connection: SqlConnection, tenant: string): WebhookStorage {
  const changeable = (webhook: WebhookRow): unknown[] => [
    webhook.url,
    webhook.eventTypes,
    webhook.state,
    webhook.disabledReason,
    webhook.sealedSecret,
  ];
  return {
    async insert(webhook) {
      const values = [tenant, webhook.id, ...changeable(webhook), at(webhook.createdAt)];
      await connection.query(webhookInsert, values);
    },
    async get(id) {
      return (await connection.query<WebhookRow>(webhookGet, [tenant, id]))[0] ?? null;
    },
    list: ({ limit, after }) => connection.query<WebhookRow>(webhookList, [tenant, after, limit]),
    async update(webhook) {
      await connection.query(webhookUpdate, [tenant, webhook.id, ...changeable(webhook)]);
    },
    deliveries: (webhookId, { limit, after }) =>
      connection.query<WebhookDelivery>(deliveryList, [tenant, webhookId, after, limit]),
    async settle(id, outcome) {
      const { state, attempts, nextAt, settledAt, lastStatus, lastError } = outcome;
      const values = [state, attempts, atOrNull(nextAt), atOrNull(settledAt), lastStatus, lastError];
      await connection.query(deliverySettle, [tenant, id, ...values]);
    },
    async replay(webhookId, { id, since }, replayAt) {
      const values = [tenant, webhookId, id, at(since), at(replayAt)];
      return (await connection.query(deliveryReplay, values)).length;
    },
  };
}

export function webhookSystemStatements(database: Database): WebhookSystemStorage {
  const run = <T>(work: (connection: SqlConnection) => Promise<T>): Promise<T> =>
    database.run(systemScope, work);
  return {
    async fanOut(all, now: Instant) {
      if (all.length === 0) return 0;
      const tenants = await run((connection) =>
        connection.query<{ tenant: string }>(fanOutTenants, [[...new Set(all.map(({ tenant }) => tenant))]]),
      );
      const listening = new Set(tenants.map(({ tenant }) => tenant));
      const events = all.filter(({ tenant }) => listening.has(tenant));
      if (events.length === 0) return 0;
      const values = [
        events.map((event) => event.tenant),
        events.map((event) => event.eventId),
        events.map((event): MaskingEventType | string => event.type),
        events.map((event) => JSON.stringify(event.payload)),
        events.map((event) => at(event.occurredAt)),
        at(now),
      ];
      return (await run((connection) => connection.query(fanOut, values))).length;
    },
    take: (now, until, limit) =>
      run((connection) => connection.query<DueDelivery>(deliveryTake, [at(now), at(until), limit])),
    async trim(before, limit) {
      return (await run((connection) => connection.query(deliveryTrim, [at(before), limit]))).length;
    },
  };
}
