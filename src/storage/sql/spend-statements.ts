import type { Instant } from '../../lib/clock.ts';
import type { SpendRow, SpendStorage, SpendSystemStorage } from '../spend-storage.ts';
import { type Database, type SqlConnection, statement, systemScope } from './connection.ts';
import { at } from './parameters.ts';
import { purchaseApprovalStatements } from './purchase-approval-statements.ts';

const SECONDS_OF_A_MINUTE = 60;
const COLUMNS = 'tenant, scope, hour, calls, seconds, lifted, opened_at, closed_at';

const spendBegin = statement(
  'spend_begin',
  'insert into call_spend (tenant, scope, hour) values ($1, $2, $3) on conflict do nothing',
);
// $4 wanted, $5 cap of calls, $6 cap of seconds, $8 whether it is noted that the cap is reached. The row is locked before it is judged: whoever asks at the same
// moment sees what this one has taken.
const spendTake = statement(
  'spend_take',
  `with before as (
     select calls, seconds, $5::bigint * (1 + lifted) as calls_max, $6::bigint * (1 + lifted) as seconds_max,
            opened_at is not null and closed_at is null as is_open
       from call_spend where tenant = $1 and scope = $2 and hour = $3 for update),
   share as (
     select before.*,
            case when seconds >= seconds_max then 'minutes' when calls >= calls_max then 'calls' end as spent_by,
            case when seconds >= seconds_max then 0
                 else greatest(0, least($4::bigint, ceil((calls_max - calls) / 20.0)::bigint)) end as granted
       from before)
   update call_spend c
      set calls = c.calls + s.granted,
          opened_at = case when $8::boolean and s.spent_by is not null and not s.is_open then $7 else c.opened_at end,
          closed_at = case when $8::boolean and s.spent_by is not null and not s.is_open then null
                           when s.spent_by is null and s.is_open then $7 else c.closed_at end
     from share s
    where c.tenant = $1 and c.scope = $2 and c.hour = $3
   returning s.granted::int as granted, s.spent_by as "spentBy", s.spent_by is not null and not s.is_open as "isFirst"`,
);
const spendLift = statement(
  'spend_lift',
  `update call_spend set lifted = lifted + 1, closed_at = $4
    where tenant = $1 and scope = $2 and hour = $3 returning 1`,
);
const spendList = statement(
  'spend_list',
  `select ${COLUMNS} from call_spend where tenant = $1 and hour >= $2 order by hour desc, scope limit 1000`,
);
// The newest of at most $5 texts are kept. The one that is as many back as the limit must be older than the span.
const messageTake = statement(
  'message_take',
  `insert into message_usage as u (tenant, session_id, sent_at) values ($1, $2, array[$3::timestamptz])
   on conflict (tenant, session_id) do update
      set sent_at = (u.sent_at || excluded.sent_at)[greatest(1, cardinality(u.sent_at) + 2 - greatest($4::int, $5::int)):]
    where (cardinality(u.sent_at) < $4::int or u.sent_at[cardinality(u.sent_at) + 1 - $4::int] <= $6::timestamptz)
      and (cardinality(u.sent_at) < $5::int or u.sent_at[cardinality(u.sent_at) + 1 - $5::int] <= $7::timestamptz)
   returning 1`,
);
// Two scans of partial indexes: what ended in this hour, and what runs.
const talkMeasure = statement(
  'talk_measure',
  `with talk as (
     select tenant, provider_account, least(ended_at, $2) - greatest(answered_at, $1) as span
       from call where ended_at >= $1 and answered_at is not null and ended_at is not null
     union all
     select tenant, provider_account, $2 - greatest(answered_at, $1)
       from call where state in ('decided', 'ringing', 'answered') and answered_at is not null and ended_at is null),
   seconds as (
     select tenant, provider_account, sum(greatest(0, extract(epoch from span))) as talked from talk group by 1, 2)
   insert into call_spend as c (tenant, scope, hour, seconds)
   select tenant, scope, $1, ceil(sum(talked))::bigint
     from (select tenant, '' as scope, talked from seconds union all
           select tenant, provider_account, talked from seconds) one
    group by 1, 2
   on conflict (tenant, scope, hour) do update set seconds = excluded.seconds where c.seconds <> excluded.seconds`,
);
const spendOpen = statement(
  'spend_open',
  `select ${COLUMNS} from call_spend where hour >= $1 and opened_at is not null and closed_at is null`,
);
const spendClose = statement(
  'spend_close',
  `update call_spend set closed_at = $2 where hour < $1 and opened_at is not null and closed_at is null
   returning ${COLUMNS}`,
);
const spendForget = statement('spend_forget', 'delete from call_spend where hour < $1');

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export function spendStatements(connection: SqlConnection, tenant: string): SpendStorage {
  return {
    ...purchaseApprovalStatements(connection, tenant),
    async takeCalls(scope, hour, wanted, cap, now, notes = true) {
      const seconds = cap.minutes * SECONDS_OF_A_MINUTE;
      const values = [tenant, scope, at(hour), wanted, cap.calls, seconds, at(now), notes];
      const take = () => connection.query<Awaited<ReturnType<SpendStorage['takeCalls']>>>(spendTake, values);
      const [known] = await take();
      if (known) return known;
      // The first of the hour.
      await connection.query(spendBegin, [tenant, scope, at(hour)]);
      const [share] = await take();
      if (!share) throw new Error('A row of call_spend is gone that was there a moment ago.');
      return share;
    },
    async lift(scope, hour, now) {
      return (await connection.query(spendLift, [tenant, scope, at(hour), at(now)])).length > 0;
    },
    async list(since) {
      return (await connection.query<Row>(spendList, [tenant, at(since)])).map(toSpendRow);
    },
    async takeMessage(sessionId, now, { perMinute, perDay }) {
      const since = [at(now - MINUTE_MS), at(now - DAY_MS)];
      const values = [tenant, sessionId, at(now), perMinute, perDay, ...since];
      return (await connection.query(messageTake, values)).length > 0;
    },
  };
}

export function spendSystemStatements(database: Database): SpendSystemStorage {
  return {
    measureTalk: (hour, now) =>
      database.run(systemScope, async (connection) => {
        await connection.query(talkMeasure, [at(hour), at(now)]);
      }),
    open: (hour, now) =>
      database.run(systemScope, async (connection) => {
        const closed = await connection.query<Row>(spendClose, [at(hour), at(now)]);
        const open = await connection.query<Row>(spendOpen, [at(hour)]);
        return [...closed, ...open].map(toSpendRow);
      }),
    forgetBefore: (hour) =>
      database.run(systemScope, async (connection) => {
        await connection.query(spendForget, [at(hour)]);
      }),
  };
}

interface Row {
  readonly tenant: string;
  readonly scope: string;
  readonly hour: Instant;
  readonly calls: number;
  readonly seconds: number;
  readonly lifted: number;
  readonly opened_at: Instant | null;
  readonly closed_at: Instant | null;
}

function toSpendRow(row: Row): SpendRow {
  const { tenant, scope, hour, calls, seconds, lifted, opened_at: openedAt, closed_at: closedAt } = row;
  const minutes = Math.ceil(seconds / SECONDS_OF_A_MINUTE);
  return { tenant, scope, hour, calls, minutes, lifted, openedAt, closedAt };
}
