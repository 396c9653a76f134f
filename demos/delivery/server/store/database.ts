import { chmodSync, closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/**
 * Two stores share the file and no table: `profile` is the Profile store and the only place of real numbers;
 * everything else belongs to the Orders store.
 */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS profile (
  user_id     TEXT PRIMARY KEY,
  role        TEXT NOT NULL CHECK (role IN ('customer', 'driver')),
  name        TEXT NOT NULL,
  real_number TEXT NOT NULL,
  created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS customer_order (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id    TEXT NOT NULL UNIQUE,
  item        TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  driver_id   TEXT,
  status      TEXT NOT NULL CHECK (status IN ('placed', 'assigned', 'completed', 'cancelled')),
  assignment  INTEGER NOT NULL DEFAULT 0,
  placed_at   INTEGER NOT NULL,
  ended_at    INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS customer_order_by_customer ON customer_order (customer_id, seq);
CREATE INDEX IF NOT EXISTS customer_order_by_driver ON customer_order (driver_id, seq);
CREATE INDEX IF NOT EXISTS customer_order_by_status ON customer_order (status, seq);

CREATE TABLE IF NOT EXISTS masking_session (
  order_id      TEXT NOT NULL,
  assignment    INTEGER NOT NULL,
  session_id    TEXT NOT NULL,
  state         TEXT NOT NULL CHECK (state IN ('pending', 'open', 'closed')),
  closed_reason TEXT,
  said_at       TEXT,
  PRIMARY KEY (order_id, assignment)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS masking_participant (
  order_id        TEXT NOT NULL,
  assignment      INTEGER NOT NULL,
  role            TEXT NOT NULL,
  user_id         TEXT,
  virtual_number  TEXT NOT NULL,
  PRIMARY KEY (order_id, assignment, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS masking_participant_by_virtual_number ON masking_participant (virtual_number);

CREATE TABLE IF NOT EXISTS handled_event (
  source     TEXT NOT NULL,
  event_id   TEXT NOT NULL,
  handled_at INTEGER NOT NULL,
  PRIMARY KEY (source, event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS handled_event_by_time ON handled_event (handled_at);

CREATE TABLE IF NOT EXISTS activity (
  seq              INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id         TEXT NOT NULL,
  type             TEXT NOT NULL,
  at               TEXT NOT NULL,
  order_id         TEXT,
  from_role        TEXT,
  to_role          TEXT,
  virtual_number   TEXT,
  reason           TEXT,
  duration_seconds REAL
) STRICT;

CREATE TABLE IF NOT EXISTS outbox (
  seq   INTEGER PRIMARY KEY AUTOINCREMENT,
  key   TEXT NOT NULL,
  event TEXT NOT NULL
) STRICT;
`;

/**
 * Opens the state file, or memory for `:memory:`. Every commit is synced to disk before it is acknowledged, so
 * that neither `kill -9` nor a power cut loses an order that somebody was told about.
 */
export function openDatabase(stateFile: string): DatabaseSync {
  // The Profile store holds real numbers: nobody but the owner of the process may read it. SQLite gives the
  // files beside it, the write-ahead log above all, the mode of the file itself.
  if (stateFile !== ':memory:') {
    closeSync(openSync(stateFile, 'a', 0o600));
    chmodSync(stateFile, 0o600);
  }
  const database = new DatabaseSync(stateFile);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;');
  database.exec(SCHEMA);
  // State files from before the column was there.
  const columns = database.prepare('PRAGMA table_info(masking_session)').all();
  if (!columns.some(({ name }) => name === 'said_at')) {
    database.exec('ALTER TABLE masking_session ADD COLUMN said_at TEXT');
  }
  return database;
}

/** Runs `work` in one transaction. It must not wait for anything: the whole process shares the connection. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
