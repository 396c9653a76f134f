import { DatabaseSync } from 'node:sqlite';

const SCHEMA_VERSION = 1;

const SCHEMA = `
  create table number_held (
    virtual_number text primary key,
    number_id text not null unique,
    country text not null,
    answer_url text not null,
    status_url text not null,
    message_url text not null,
    provisioned_at integer not null
  ) strict, without rowid;

  create table call (
    place integer primary key,
    call_id text not null unique,
    caller text not null,
    dialled text not null,
    withheld integer not null,
    state text not null,
    heard text,
    callee text,
    caller_id text,
    started_at integer not null,
    answered_at integer,
    ended_at integer,
    duration_seconds integer,
    termination text,
    max_call_seconds integer not null,
    status_url text
  ) strict;
  create index call_by_caller on call (caller, place);
  create index call_by_callee on call (callee, place);
  create index call_up on call (place) where ended_at is null;

  create table message (
    place integer primary key,
    message_id text not null unique,
    sender text not null,
    dialled text not null,
    body text not null,
    state text not null,
    delivered_to text,
    delivered_from text,
    delivered_body text,
    sent_at integer not null
  ) strict;
  create index message_by_sender on message (sender, place);
  create index message_by_recipient on message (delivered_to, place);

  create table phone_line (phone text primary key) strict, without rowid;
`;

/**
 * Opens the file that survives `kill -9`, or a database in memory for null. Every statement is committed when
 * it returns; `synchronous = normal` does without a sync for each, because the operating system keeps what a
 * killed process wrote. A power cut may cost the last moments, which a simulator can bear.
 * @throws Error when another process holds the file, or when an incompatible version wrote it
 */
export function openStateDatabase(stateFile: string | null): DatabaseSync {
  const database = new DatabaseSync(stateFile ?? ':memory:');
  try {
    // The lock is taken by the first statement that reads, and kept until close: two operators on one file
    // would each believe in their own copy of the numbers held.
    database.exec('pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = normal');
    const version = Number(database.prepare('pragma user_version').get()?.user_version);
    if (version === 0) {
      database.exec(`begin; ${SCHEMA}; pragma user_version = ${SCHEMA_VERSION}; commit`);
    } else if (version !== SCHEMA_VERSION) {
      throw new Error(`it has format ${version}, and this version reads ${SCHEMA_VERSION}; delete it`);
    }
    return database;
  } catch (cause) {
    database.close();
    const why = cause instanceof Error ? cause.message : String(cause);
    const hint = why.includes('locked') ? 'another process uses it' : why;
    throw new Error(`The simulator cannot use its state file ${stateFile}: ${hint}.`, { cause });
  }
}
