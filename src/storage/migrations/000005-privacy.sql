-- Keys that can be exchanged and destroyed, a key of each participant, an audit that cannot be rewritten, addresses
-- of API keys, and outgoing webhooks.

-- `day`: a key that seals what concerns persons is of one day, and is destroyed with it.
-- `writing`: an index key on its way in or out: routes are written under it and not looked up.
alter table data_key drop constraint data_key_purpose_check;
alter table data_key
  add column day date,
  add column state text not null default 'active' check (state in ('active', 'writing', 'retired', 'destroyed')),
  add column destroyed_at timestamptz,
  add constraint data_key_purpose_check check (purpose in ('seal', 'index', 'fingerprint')),
  add constraint data_key_destroyed_check check ((state = 'destroyed') = (wrapped is null));
create unique index data_key_active on data_key (tenant, purpose, coalesce(day, date '0001-01-01'))
  where state = 'active';

-- 32 random bytes that the participant's number is sealed with, beside the key of the day. This table and data_key
-- are kept out of the backups that are kept for long: without its row here, a number in a backup stays shut.
create table participant_key (
  tenant text not null,
  session_id text not null,
  participant_id text not null,
  key bytea not null check (octet_length(key) = 32),
  primary key (tenant, session_id, participant_id),
  foreign key (tenant, session_id, participant_id) references participant (tenant, session_id, id) on delete cascade
);

-- Which index key made the caller key; null is the first one that the tenant had.
alter table participant add column index_key_id integer;
alter table route add column index_key_id integer;

create index participant_id on participant (tenant, id);
create index participant_user on participant (tenant, user_id) where user_id is not null;

-- What stood for a participant before the session got other numbers; the last allocation is in `participant`.
create table past_allocation (
  tenant text not null,
  session_id text not null,
  participant_id text not null,
  virtual_number text not null,
  allocated_at timestamptz not null,
  released_at timestamptz not null,
  primary key (tenant, virtual_number, session_id, participant_id, released_at),
  foreign key (tenant, session_id, participant_id) references participant (tenant, session_id, id) on delete cascade
);

-- Until its caller key is erased, which a repeated question needs for a minute.
create index call_caller_key_due on call (started_at) where caller_key is not null;
create index message_caller_key_due on message (created_at) where caller_key is not null;

-- The roles of the service may add to it and read it, and nothing else: see migration-roles.ts. `hash` is keyed, over
-- the row and the hash before it, so that whoever owns the database cannot make a row either.
create table audit (
  tenant text not null references tenant,
  seq bigint not null check (seq > 0),
  at timestamptz not null,
  actor text not null,
  action text not null,
  subject text not null,
  details jsonb not null,
  previous_hash bytea not null,
  hash bytea not null,
  primary key (tenant, seq)
);
create index audit_actor on audit (tenant, actor, action, at);

-- The end of each chain: the row that is locked to add one, and what shows that the last rows are missing.
create table audit_head (
  tenant text primary key references tenant,
  seq bigint not null,
  hash bytea not null
);

-- Addresses and CIDR blocks that a key may be used from; empty is from anywhere.
alter table api_key
  add column allowed_addresses cidr[] not null default '{}',
  add column last_used_at timestamptz;

create table webhook (
  tenant text not null references tenant,
  id text not null,
  url text not null,
  event_types text[] not null,
  state text not null check (state in ('enabled', 'disabled')),
  disabled_reason text,
  -- the Standard Webhooks secret, sealed
  sealed_secret bytea not null,
  created_at timestamptz not null,
  primary key (tenant, id)
);

-- What was or is to be sent: one row for each event and subscription, whatever is published twice.
create table webhook_delivery (
  tenant text not null,
  id bigint generated always as identity,
  webhook_id text not null,
  event_id text not null,
  type text not null,
  -- ids and reasons, no number
  payload jsonb not null,
  occurred_at timestamptz not null,
  state text not null check (state in ('waiting', 'delivered', 'failed')),
  attempts integer not null default 0,
  -- of a waiting one: when it is tried; while it is being tried, when another replica may take it over
  next_at timestamptz,
  settled_at timestamptz,
  last_status integer,
  last_error text,
  primary key (tenant, id),
  unique (tenant, webhook_id, event_id),
  foreign key (tenant, webhook_id) references webhook (tenant, id) on delete cascade,
  check ((state = 'waiting') = (next_at is not null))
);
create index webhook_delivery_due on webhook_delivery (next_at) where state = 'waiting';
create index webhook_delivery_age on webhook_delivery (occurred_at);

do $$
declare
  owned text;
begin
  foreach owned in array array['participant_key', 'past_allocation', 'audit', 'audit_head', 'webhook', 'webhook_delivery'] loop
    execute format('alter table %I enable row level security', owned);
    execute format('alter table %I force row level security', owned);
    execute format(
      'create policy own_rows on %I to maskline_app'
      ' using (tenant = current_setting(''maskline.tenant'', true))'
      ' with check (tenant = current_setting(''maskline.tenant'', true))', owned);
    execute format('create policy all_rows on %I to maskline_system using (true) with check (true)', owned);
  end loop;
end
$$;
