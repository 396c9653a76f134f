-- The embedded bus: the event log of an installation without Kafka. As with Kafka, a topic is not a tenant's row:
-- the bus reads and writes in system scope, and there is no row-level security here. Order events may carry real
-- numbers, so `value` is sealed whenever the bus was given a key (it always is, except in tests).

-- One row for each topic, locked by whoever publishes to it: offsets then become visible in their own order, and
-- a reader that has seen one can trust that none below it is still to come.
create table bus_topic (
  topic text primary key,
  next_offset bigint not null
);

create table bus_message (
  topic text not null,
  "offset" bigint not null,
  key text not null,
  headers jsonb not null,
  value bytea not null,
  published_at timestamptz not null,
  primary key (topic, "offset")
);
-- for trimming by age
create index bus_message_published_at on bus_message (published_at);

-- Where each group stands, and which consumer of it is at work: one at a time, since a topic has one partition.
create table bus_group_offset (
  "group" text not null,
  topic text not null,
  -- the first offset that is not committed
  next_offset bigint not null,
  -- the consumer that may handle and commit; null when none does
  owner text,
  -- after this the owner counts as gone, and another may take its place
  owned_until timestamptz,
  primary key ("group", topic),
  check ((owner is null) = (owned_until is null))
);
