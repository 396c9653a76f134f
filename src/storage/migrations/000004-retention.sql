-- What history is deleted by. Rows go in small bites by age rather than by partitions: the same call or event must
-- stay unique over all time that is kept, and a unique index over partitions would have to hold the time as well.
create index call_age on call (started_at);
create index message_age on message (created_at);
create index session_age on session (closed_at) where state = 'closed';
create index reference_age on reference ((coalesce(ended_at, placed_at)));
-- Participants whose sealed number is still kept, by the time of release.
create index participant_sealed_age on participant (released_at) where sealed_number is not null;

-- Rows that live for minutes leave dead ones behind. With the default of a fifth of the table, a vacuum would come
-- after so many that look-ups would feel them; and pages that are half empty let an update stay on its page.
alter table route set (
  fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.02);
alter table virtual_number set (
  fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
alter table outbox set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 5000);
alter table lease set (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
alter table session set (autovacuum_vacuum_scale_factor = 0.05);
alter table participant set (autovacuum_vacuum_scale_factor = 0.05);
alter table reference set (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05);
