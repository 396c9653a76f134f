-- What an assignment writes: ten foreign keys of these tables were checked row by row and took two thirds of the time
-- of the whole transaction. What they refused cannot come about: tenants, pools and virtual numbers are never deleted,
-- and a session, its participants, their keys and its routes are written by one transaction that has locked the order
-- and the numbers. The unique indexes, which decide races, are untouched. test/property/invariants.ts asks for orphans.
alter table inbox drop constraint inbox_tenant_fkey;
alter table outbox drop constraint outbox_tenant_fkey;
alter table reference drop constraint reference_tenant_fkey;
alter table session
  drop constraint session_tenant_reference_fkey,
  drop constraint session_tenant_pool_fkey;
alter table participant
  drop constraint participant_tenant_session_id_fkey,
  drop constraint participant_tenant_virtual_number_fkey;
alter table participant_key drop constraint participant_key_tenant_session_id_participant_id_fkey;
alter table route
  drop constraint route_tenant_virtual_number_fkey,
  drop constraint route_tenant_caller_id_fkey;

-- A session that is deleted takes its participants, their keys and what was counted of it along, whoever deletes it: once for each statement,
-- and at no cost to those who insert.
create function delete_participants_of_sessions() returns trigger language plpgsql as $$
begin
  delete from participant_key k using gone where k.tenant = gone.tenant and k.session_id = gone.id;
  delete from participant p using gone where p.tenant = gone.tenant and p.session_id = gone.id;
  delete from session_usage u using gone where u.tenant = gone.tenant and u.session_id = gone.id;
  delete from message_usage u using gone where u.tenant = gone.tenant and u.session_id = gone.id;
  return null;
end
$$;
create trigger session_deleted after delete on session referencing old table as gone
  for each statement execute function delete_participants_of_sessions();

-- Those who are still in a session have no time of release, and need not stand in the index.
drop index participant_sealed_age;
create index participant_sealed_age on participant (released_at) where sealed_number is not null and released_at is not null;
drop index reference_age;
create index reference_age on reference ((coalesce(ended_at, placed_at))) where coalesce(ended_at, placed_at) is not null;
