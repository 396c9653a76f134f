-- Every table of a tenant begins its key with the tenant, and row-level security is forced on it: role
-- maskline_app sees the rows of the tenant named in the setting `maskline.tenant` and no others; role
-- maskline_system, for background jobs, sees all. The migration runner makes the roles and grants the tables.
--
-- Instants are given by the application (no now() anywhere), so that a simulation can own the time.

create table tenant (
  tenant text primary key check (tenant ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  name text not null,
  created_at timestamptz not null
);

-- Data keys, wrapped by a master key that never enters the database. `wrapped` is null once destroyed.
create table data_key (
  tenant text not null references tenant,
  key_id integer not null,
  purpose text not null check (purpose in ('seal', 'index')),
  wrapped bytea,
  created_at timestamptz not null,
  primary key (tenant, key_id)
);

create table api_key (
  tenant text not null references tenant,
  id text not null,
  name text not null,
  -- SHA-256 of the key. A key has 160 random bits or more, so a fast hash is enough; the key itself is not kept.
  key_hash bytea not null unique,
  scopes text[] not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  primary key (tenant, id)
);

create table provider_account (
  tenant text not null references tenant,
  name text not null,
  -- names the account in webhook URLs; unique over all tenants and not secret
  id text not null unique,
  provider text not null,
  settings jsonb not null,
  -- JSON of the credentials and the secret path segment, sealed
  sealed_credentials bytea not null,
  created_at timestamptz not null,
  primary key (tenant, name)
);

create table pool (
  tenant text not null references tenant,
  name text not null check (name ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
  mode text not null check (mode in ('dedicated', 'shared')),
  selection text not null check (selection in ('avoid_sticky', 'prefer_sticky')),
  countries text[] not null,
  number_quarantine_seconds integer not null,
  pair_quarantine_seconds integer not null,
  grace_seconds integer not null,
  session_ttl_seconds integer not null,
  ring_timeout_seconds integer not null,
  max_call_seconds integer not null,
  stock_provider_account text,
  stock_low_water integer,
  stock_target integer,
  stock_max integer,
  created_at timestamptz not null,
  primary key (tenant, name),
  foreign key (tenant, stock_provider_account) references provider_account (tenant, name),
  check ((stock_provider_account is null) = (stock_target is null))
);

create table virtual_number (
  tenant text not null,
  virtual_number text not null check (virtual_number ~ '^\+[1-9][0-9]{6,14}$'),
  pool text not null,
  provider_account text not null,
  provider_number_id text,
  capabilities text[] not null,
  state text not null check (state in ('in_service', 'reserved', 'draining', 'suspended', 'decommissioned')),
  -- first-fit order of shared pools
  position bigint generated always as identity,
  -- A dedicated number is allocated while this is null, rests until then, and is idle afterwards. In a shared
  -- pool it stays where it was. One column, so that resting needs no job to lift it.
  idle_at timestamptz,
  -- the session that took it last, in a dedicated pool: only that one may let it rest
  last_session_id text,
  created_at timestamptz not null,
  primary key (tenant, virtual_number),
  foreign key (tenant, pool) references pool (tenant, name),
  foreign key (tenant, provider_account) references provider_account (tenant, name)
);
create index virtual_number_idle on virtual_number (tenant, pool, idle_at, virtual_number)
  where state = 'in_service';
create index virtual_number_first_fit on virtual_number (tenant, pool, position)
  where state = 'in_service';

-- What is known of an order beyond its sessions: the highest assignment, and that it ended. Every change to an
-- order locks this row first, so two changes of one order never meet anywhere else.
create table reference (
  tenant text not null references tenant,
  reference text not null,
  pool text,
  highest_assignment bigint,
  placed_at timestamptz,
  ended_at timestamptz,
  ended_reason text,
  primary key (tenant, reference)
);
create index reference_awaited on reference (tenant, pool, placed_at)
  where placed_at is not null and highest_assignment is null and ended_at is null;

create table session (
  tenant text not null,
  id text not null,
  reference text not null,
  assignment bigint not null,
  pool text not null,
  mode text not null check (mode in ('voice', 'message', 'voice_and_message')),
  state text not null check (state in ('pending', 'open', 'closed')),
  created_at timestamptz not null,
  opened_at timestamptz,
  expires_at timestamptz not null,
  closed_at timestamptz,
  closed_reason text,
  primary key (tenant, id),
  foreign key (tenant, reference) references reference (tenant, reference),
  foreign key (tenant, pool) references pool (tenant, name),
  unique (tenant, reference, assignment),
  check ((state = 'closed') = (closed_at is not null))
);
-- At most one session of an order lives (INV-04).
create unique index session_one_live on session (tenant, reference) where state <> 'closed';
create index session_pending on session (tenant, pool, created_at, id) where state = 'pending';
create index session_expiry on session (expires_at) where state <> 'closed';

create table participant (
  tenant text not null,
  session_id text not null,
  id text not null,
  place integer not null,
  role text not null,
  user_id text,
  -- null once erased
  sealed_number bytea,
  caller_key bytea,
  -- The allocation: the number that stands for this person, from `allocated_at` until `released_at`.
  virtual_number text,
  exclusive boolean not null default false,
  released_at timestamptz,
  primary key (tenant, session_id, id),
  foreign key (tenant, session_id) references session (tenant, id) on delete cascade,
  foreign key (tenant, virtual_number) references virtual_number (tenant, virtual_number)
);
-- A dedicated number stands for one person at a time, whatever races (INV-02).
create unique index participant_exclusive on participant (tenant, virtual_number)
  where exclusive and released_at is null;
-- Numbers of one session differ from each other.
create unique index participant_distinct on participant (tenant, session_id, virtual_number);
-- Who stood behind a number, and when.
create index participant_number on participant (tenant, virtual_number, session_id)
  where virtual_number is not null;
create index participant_person on participant (tenant, caller_key, session_id desc)
  where virtual_number is not null;

-- (dialled virtual number, caller) → whom to connect and what to show. The primary key is the product: two
-- live or resting routes with one key cannot exist. A row is live while now < live_until, rests while
-- now < resting_until, and may be overwritten afterwards; resting_until is null until the session closes.
create table route (
  tenant text not null,
  virtual_number text not null,
  caller_key bytea not null,
  session_id text not null,
  reference text not null,
  calling_participant text not null,
  calling_role text not null,
  called_participant text not null,
  called_role text not null,
  sealed_destination bytea,
  caller_id text not null,
  mode text not null,
  live_until timestamptz not null,
  resting_until timestamptz,
  ring_timeout_seconds integer not null,
  max_call_seconds integer not null,
  primary key (tenant, virtual_number, caller_key),
  foreign key (tenant, virtual_number) references virtual_number (tenant, virtual_number),
  foreign key (tenant, caller_id) references virtual_number (tenant, virtual_number),
  check (virtual_number <> caller_id)
);
create index route_session on route (tenant, session_id);
create index route_rested on route (resting_until) where resting_until is not null;

create table call (
  tenant text not null,
  id text not null,
  provider_account text not null,
  provider_call_id text not null,
  session_id text,
  reference text,
  calling_role text,
  called_role text,
  virtual_number text not null,
  -- who asked, so that a repeated question from somebody else is not answered; null when withheld
  caller_key bytea,
  caller_id text,
  decision text not null check (decision in ('bridge', 'announce', 'collect_pin', 'reject')),
  reason text not null,
  ring_timeout_seconds integer,
  max_call_seconds integer,
  state text not null check (state in ('decided', 'ringing', 'answered', 'ended', 'refused')),
  started_at timestamptz not null,
  ringing_at timestamptz,
  answered_at timestamptz,
  ended_at timestamptz,
  duration_seconds integer,
  termination text,
  native_cause text,
  primary key (tenant, id),
  unique (tenant, provider_account, provider_call_id)
);
create index call_session on call (tenant, session_id, id);
create index call_reference on call (tenant, reference, id);
create index call_running on call (started_at) where state in ('decided', 'ringing', 'answered');

create table call_event (
  tenant text not null,
  call_id text not null,
  status text not null,
  occurred_at timestamptz not null,
  received_at timestamptz not null,
  native_cause text,
  primary key (tenant, call_id, status, occurred_at),
  foreign key (tenant, call_id) references call (tenant, id) on delete cascade
);

create table message (
  tenant text not null,
  id text not null,
  provider_account text not null,
  provider_message_id text not null,
  session_id text,
  reference text,
  sending_role text,
  receiving_role text,
  virtual_number text not null,
  caller_key bytea,
  sender_id text,
  decision text not null check (decision in ('relay', 'drop')),
  reason text not null,
  created_at timestamptz not null,
  primary key (tenant, id),
  unique (tenant, provider_account, provider_message_id)
);
create index message_session on message (tenant, session_id, id);

-- Which events were applied: the row and its effect are one transaction.
create table inbox (
  tenant text not null references tenant,
  source text not null,
  event_id text not null,
  received_at timestamptz not null,
  primary key (tenant, source, event_id)
);
create index inbox_age on inbox (received_at);

-- What shall be announced: written with the change, published in the order of `id`, deleted when it is durable.
create table outbox (
  id bigint generated always as identity primary key,
  tenant text not null references tenant,
  event_id text not null,
  type text not null,
  key text not null,
  data jsonb not null,
  occurred_at timestamptz not null
);

-- What we are about to ask a provider for. The row is committed first, so that a lost answer is found again.
create table intent (
  tenant text not null,
  id text not null,
  kind text not null check (kind in ('provision', 'decommission')),
  provider_account text not null,
  pool text not null,
  virtual_number text not null,
  state text not null check (state in ('planned', 'asked', 'done', 'failed')),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  attempts integer not null default 0,
  last_error text,
  primary key (tenant, id),
  foreign key (tenant, provider_account) references provider_account (tenant, name)
);
create unique index intent_unsettled on intent (tenant, provider_account, virtual_number)
  where state in ('planned', 'asked');

-- Which replica does a job that only one may do. A holder that stops renewing loses it at `held_until`.
create table lease (
  name text primary key,
  holder text not null,
  held_until timestamptz not null
);

create table idempotency (
  tenant text not null references tenant,
  key text not null,
  api_key_id text not null,
  request_hash bytea not null,
  -- null while the first request runs
  status integer,
  body text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (tenant, api_key_id, key)
);
create index idempotency_expiry on idempotency (expires_at);

do $$
declare
  owned text;
begin
  foreach owned in array array[
    'tenant', 'data_key', 'api_key', 'provider_account', 'pool', 'virtual_number', 'reference', 'session',
    'participant', 'route', 'call', 'call_event', 'message', 'inbox', 'outbox', 'intent', 'idempotency'
  ] loop
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
