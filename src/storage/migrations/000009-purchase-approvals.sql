-- Purchases beyond the budget of an account, for which two people stand: who asks and who approves are never the same.
-- `requested_by` is null while nobody stands behind what the service itself asked for.
create table purchase_approval (
  tenant text not null references tenant,
  id text not null,
  provider_account text not null,
  purchases integer not null check (purchases between 1 and 10000),
  reason text not null,
  state text not null check (state in ('asked', 'approved', 'declined', 'expired')),
  requested_by text,
  decided_by text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  decided_at timestamptz,
  primary key (tenant, id),
  check ((state = 'asked') = (decided_at is null)),
  check (state <> 'approved' or (requested_by is not null and decided_by is not null and decided_by <> requested_by))
);
-- One at a time for an account: whoever decides sees all that is asked.
create unique index purchase_approval_asked on purchase_approval (tenant, provider_account) where state = 'asked';
create index purchase_approval_granted on purchase_approval (tenant, provider_account, decided_at)
  where state in ('approved', 'declined');

alter table purchase_approval enable row level security;
alter table purchase_approval force row level security;
create policy own_rows on purchase_approval to maskline_app
  using (tenant = current_setting('maskline.tenant', true))
  with check (tenant = current_setting('maskline.tenant', true));
create policy all_rows on purchase_approval to maskline_system using (true) with check (true);
