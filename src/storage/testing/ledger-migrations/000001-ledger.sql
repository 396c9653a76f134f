-- A schema for the tests of the adapters, small and with one column of every kind that the product uses.
create table ledger (
  tenant text not null,
  id integer not null,
  note text,
  amount bigint,
  price numeric,
  share double precision,
  settled boolean,
  sealed bytea,
  happened_at timestamptz,
  labels text[],
  times timestamptz[],
  counts bigint[],
  seals bytea[],
  details jsonb,
  day date,
  primary key (tenant, id),
  constraint amount_positive check (amount > 0)
);
alter table ledger enable row level security;
alter table ledger force row level security;
create policy own_rows on ledger to maskline_app
  using (tenant = current_setting('maskline.tenant', true))
  with check (tenant = current_setting('maskline.tenant', true));
create policy all_rows on ledger to maskline_system using (true) with check (true);
