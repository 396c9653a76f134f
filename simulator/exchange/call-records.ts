import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { CallRecord, CallState, Termination } from './call-record.ts';

/** How many records of past calls and messages are kept each; the oldest go first. */
export const RECORDS_KEPT = 10_000;
const TRIM_EVERY = 500;

/** What the operator must know about a call beyond what it shows. */
export interface CallTerms {
  readonly maxCallSeconds: number;
  /** where progress is reported; null for a call that no account has a part in */
  readonly statusUrl: string | null;
}

export interface CallRecords {
  insert(call: CallRecord, terms: CallTerms): void;
  update(call: CallRecord): void;
  find(callId: string): CallRecord | null;
  /** Calls that this phone made or that were put through to it, newest first. */
  listByPhone(phone: string, limit: number): CallRecord[];
  /** Calls that were up when the process ended. */
  listUp(): { readonly call: CallRecord; readonly terms: CallTerms }[];
}

export function createCallRecords(database: DatabaseSync): CallRecords {
  const insert = database.prepare(`insert into call
    (call_id, caller, dialled, withheld, state, heard, callee, caller_id, started_at, answered_at, ended_at,
     duration_seconds, termination, max_call_seconds, status_url)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const update = database.prepare(`update call
    set state = ?, answered_at = ?, ended_at = ?, duration_seconds = ?, termination = ? where call_id = ?`);
  const find = database.prepare('select * from call where call_id = ?');
  const listByPhone = database.prepare(`select * from (
      select * from (select * from call where caller = ? order by place desc limit ?)
      union
      select * from (select * from call where callee = ? order by place desc limit ?)
    ) order by place desc limit ?`);
  const listUp = database.prepare('select * from call where ended_at is null order by place');
  const trim = database.prepare('delete from call where place <= ? and ended_at is not null');
  return {
    insert(call, terms) {
      const { lastInsertRowid } = insert.run(
        call.callId,
        call.from,
        call.to,
        call.withheld ? 1 : 0,
        call.state,
        call.heard,
        call.bLeg?.to ?? null,
        call.bLeg?.callerId ?? null,
        call.startedAt,
        call.answeredAt,
        call.endedAt,
        call.durationSeconds,
        call.termination,
        terms.maxCallSeconds,
        terms.statusUrl,
      );
      const place = Number(lastInsertRowid);
      if (place % TRIM_EVERY === 0) trim.run(place - RECORDS_KEPT);
    },
    update(call) {
      update.run(
        call.state,
        call.answeredAt,
        call.endedAt,
        call.durationSeconds,
        call.termination,
        call.callId,
      );
    },
    find(callId) {
      const row = find.get(callId);
      return row ? toCallRecord(row) : null;
    },
    listByPhone: (phone, limit) => listByPhone.all(phone, limit, phone, limit, limit).map(toCallRecord),
    listUp: () => listUp.all().map((row) => ({ call: toCallRecord(row), terms: toTerms(row) })),
  };
}

type Row = Record<string, SQLOutputValue>;

function toCallRecord(row: Row): CallRecord {
  const callee = textOrNull(row.callee);
  return {
    callId: String(row.call_id),
    from: String(row.caller),
    to: String(row.dialled),
    withheld: row.withheld === 1,
    state: row.state as CallState,
    heard: textOrNull(row.heard),
    bLeg: callee === null ? null : { to: callee, callerId: String(row.caller_id) },
    startedAt: Number(row.started_at),
    answeredAt: numberOrNull(row.answered_at),
    endedAt: numberOrNull(row.ended_at),
    durationSeconds: numberOrNull(row.duration_seconds),
    termination: textOrNull(row.termination) as Termination | null,
  };
}

function toTerms(row: Row): CallTerms {
  return { maxCallSeconds: Number(row.max_call_seconds), statusUrl: textOrNull(row.status_url) };
}

function textOrNull(value: SQLOutputValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function numberOrNull(value: SQLOutputValue | undefined): number | null {
  return typeof value === 'number' ? value : null;
}
