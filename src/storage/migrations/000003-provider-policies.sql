-- What a pool asks of its providers, what an account may spend, and how a number came to us and leaves.

-- `attestation`: what STIR/SHAKEN must say of a caller. `recording_consent`: what both hear before a recording;
-- null is no recording. `attachments`, `mask_numbers`: what a relayed text may carry.
alter table pool
  add column attestation text not null default 'ignore' check (attestation in ('ignore', 'prefer', 'require')),
  add column recording_consent text,
  add column attachments boolean not null default false,
  add column mask_numbers boolean not null default false,
  add column stock_fallback_accounts text[] not null default '{}';

-- A session keeps what its pool said when it opened, and the hot question joins nothing.
alter table route
  add column attestation text not null default 'ignore' check (attestation in ('ignore', 'prefer', 'require')),
  add column recording_consent text,
  add column attachments boolean not null default false,
  add column mask_numbers boolean not null default false;

-- `checked_at`: when the provider was last asked how a call that went quiet has ended.
alter table call
  add column attestation text check (attestation in ('A', 'B', 'C', 'failed')),
  add column checked_at timestamptz;

-- Budgets are per account and 30 days; null is the default of the service. An account that was removed keeps its
-- row for the history, without credentials.
alter table provider_account
  add column monthly_purchase_max integer check (monthly_purchase_max >= 0),
  add column monthly_churn_max integer check (monthly_churn_max >= 0),
  add column removed_at timestamptz;

-- `imported`: it was at the provider before us, so it stays there after us, with `previous_webhooks` put back
-- (rows from before this migration that have no provider_number_id were imported too).
-- `withdrawn_at`: the provider lists it no more, so a call to it is not ours to answer.
alter table virtual_number
  add column imported boolean not null default false,
  add column previous_webhooks jsonb,
  add column withdrawn_at timestamptz;

-- The numbers of one session are of one account, so every search names it.
drop index virtual_number_idle;
drop index virtual_number_first_fit;
create index virtual_number_idle on virtual_number (tenant, pool, provider_account, idle_at, virtual_number)
  where state = 'in_service';
create index virtual_number_first_fit on virtual_number (tenant, pool, provider_account, position)
  where state = 'in_service';
create index virtual_number_account on virtual_number (tenant, provider_account, virtual_number)
  where state <> 'decommissioned';

create index intent_spent on intent (tenant, provider_account, created_at) where state <> 'failed';
-- Calls on a number that is to be given back, as what was dialled and as what was shown.
create index call_running_number on call (tenant, virtual_number) where state in ('decided', 'ringing', 'answered');
create index call_running_caller_id on call (tenant, caller_id) where state in ('decided', 'ringing', 'answered');
