-- Who may call whom, how often, and what a caller whom nobody vouches for must show first.

-- `step_up`: what connects a caller who is unknown, withheld or not verified enough: nothing, a call that the app has
-- announced, or that and a PIN. The three limits are for each caller of a session.
alter table pool
  add column step_up text not null default 'none' check (step_up in ('none', 'intent', 'pin')),
  add column concurrent_calls_max integer not null default 2 check (concurrent_calls_max >= 1),
  add column hourly_attempts_max integer not null default 20 check (hourly_attempts_max >= 1),
  add column total_talk_seconds_max integer not null default 7200 check (total_talk_seconds_max >= 1),
  -- null: nobody asks when a number was verified
  add column verification_max_age_seconds integer check (verification_max_age_seconds >= 1);

-- `blocked_by`: ids of the blocks that stop this route; null is none. A column and not a join, because the hot
-- question reads it on every call.
alter table route
  add column step_up text not null default 'none' check (step_up in ('none', 'intent', 'pin')),
  add column concurrent_calls_max integer not null default 2,
  add column hourly_attempts_max integer not null default 20,
  add column total_talk_seconds_max integer not null default 7200,
  add column blocked_by text[] check (cardinality(blocked_by) > 0);
create index route_blocked on route (tenant) where blocked_by is not null;

-- When the company last knew that the number was this person's.
alter table participant add column verified_at timestamptz;

-- `route_key`: the caller key of the route that was taken, where that is not who called: by PIN or announced call.
-- `pin_last`: keyed hash of the digits that were keyed last, so that a repeated webhook is no second try.
alter table call
  add column calling_participant text,
  add column called_participant text,
  add column route_key bytea,
  add column pin_tries integer not null default 0,
  add column pin_last bytea;

-- How much one caller of a session has called: counted in the statement that records the call, which therefore decides.
-- No foreign key, because a call must not wait for whoever has locked `session`. `attempted_at`: the newest attempts, oldest first, as many as the limit was. `running`: calls under way,
-- `account|call id` → when each must have ended, in epoch milliseconds.
create table session_usage (
  tenant text not null,
  session_id text not null,
  participant_id text not null,
  attempted_at timestamptz[] not null,
  running jsonb not null,
  talked_seconds integer not null default 0,
  primary key (tenant, session_id, participant_id)
) with (fillfactor = 70);

-- The app said: this person is about to call. One use. `caller_key`: from this number only; null is from any that is
-- not known.
create table call_intent (
  tenant text not null,
  id text not null,
  session_id text not null,
  participant_id text not null,
  virtual_number text not null,
  -- that person's key on that number: the route that the intent opens
  route_key bytea not null,
  caller_key bytea,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (tenant, id),
  foreign key (tenant, session_id) references session (tenant, id) on delete cascade
);
create index call_intent_unused on call_intent (tenant, virtual_number, expires_at) where used_at is null;
create index call_intent_age on call_intent (expires_at);
create index call_intent_session on call_intent (tenant, session_id);

-- Keyed hash of the PIN that a participant may key in when the number that they call from is not known.
create table participant_pin (
  tenant text not null,
  session_id text not null,
  participant_id text not null,
  pin_hash bytea not null check (octet_length(pin_hash) = 32),
  digits integer not null check (digits between 6 and 16),
  created_at timestamptz not null,
  primary key (tenant, session_id, participant_id),
  foreign key (tenant, session_id, participant_id) references participant (tenant, session_id, id) on delete cascade
);

-- Wrong PINs of a day, by what was dialled and, where only one session can be meant, by that session.
create table pin_lock (
  tenant text not null references tenant,
  virtual_number text not null,
  session_id text not null default '',
  since timestamptz not null,
  tries integer not null,
  primary key (tenant, virtual_number, session_id)
);
create index pin_lock_age on pin_lock (since);

-- The company blocks a person. Digest and not caller key, because it has to outlive the exchange of index keys;
-- `caller_keys` are those of the day, for the sweep that catches sessions that opened at that same moment.
create table person_block (
  tenant text not null references tenant,
  id text not null,
  number_digest bytea,
  masked_number text,
  caller_keys bytea[] not null default '{}',
  user_id text,
  reason text not null,
  actor text not null,
  created_at timestamptz not null,
  primary key (tenant, id),
  check ((number_digest is null) = (masked_number is null)),
  check (number_digest is not null or user_id is not null)
);
create unique index person_block_number on person_block (tenant, number_digest) where number_digest is not null;
create unique index person_block_user on person_block (tenant, user_id) where number_digest is null;
create index person_block_created on person_block (created_at);

-- A participant blocks another one of the session: from then on that one does not reach this one.
create table session_block (
  tenant text not null,
  session_id text not null,
  id text not null,
  blocking_participant text not null,
  blocked_participant text not null,
  created_at timestamptz not null,
  primary key (tenant, session_id, id),
  unique (tenant, session_id, blocking_participant, blocked_participant),
  foreign key (tenant, session_id) references session (tenant, id) on delete cascade
);

-- Money. `destinations`: which real numbers the pool connects to, as DestinationRule has it; a change holds for calls
-- within a second. The two classes, such as `US:mobile`, spare the hot question a look into the sealed number; null
-- in routes from before this column, which are classified when they are opened.
alter table pool
  add column destinations jsonb not null default '{"countries": null, "types": ["mobile", "fixed_line"], "pairs": null}',
  add column messages_per_minute_max integer not null default 10 check (messages_per_minute_max >= 1),
  add column messages_per_day_max integer not null default 60 check (messages_per_day_max >= 1);
alter table route
  add column calling_class text,
  add column called_class text;

-- The newest texts of a session, oldest first, as many as it may send in a day.
create table message_usage (
  tenant text not null,
  session_id text not null,
  sent_at timestamptz[] not null,
  primary key (tenant, session_id)
) with (fillfactor = 70);

-- What was connected in an hour, by the tenant (scope '') and by each provider account. `calls` is what replicas have
-- taken in shares, used or not; `seconds` is talk, measured every few seconds. Each `lifted` allows the cap once more.
create table call_spend (
  tenant text not null references tenant,
  scope text not null,
  hour timestamptz not null,
  calls bigint not null default 0,
  seconds bigint not null default 0,
  lifted integer not null default 0,
  opened_at timestamptz,
  closed_at timestamptz,
  primary key (tenant, scope, hour)
);
create index call_spend_hour on call_spend (hour);
-- Talk of the hour is summed up over these.
create index call_ended on call (ended_at) where answered_at is not null and ended_at is not null;

do $$
declare
  owned text;
begin
  foreach owned in array array[
    'session_usage', 'call_intent', 'participant_pin', 'pin_lock', 'person_block', 'session_block',
    'message_usage', 'call_spend'
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
