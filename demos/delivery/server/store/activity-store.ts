import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Instant } from '../../../../src/lib/clock.ts';

export interface Activity {
  readonly eventId: string;
  readonly type: string;
  readonly at: string;
  readonly orderId: string | null;
  readonly fromRole: string | null;
  readonly toRole: string | null;
  readonly virtualNumber: string | null;
  readonly reason: string | null;
  readonly durationSeconds: number | null;
}

/** Lines of the live feed that are kept. */
const KEPT_LINES = 500;
/** A broker may deliver an event again until its topic forgets it; seven days is Kafka's usual retention. */
const REMEMBERED_MS = 8 * 86_400_000;

/** What Maskline announced, for the live feed, and which of its events were handled already. */
export class ActivityStore {
  readonly #firstTime: StatementSync;
  readonly #forget: StatementSync;
  readonly #add: StatementSync;
  readonly #trim: StatementSync;
  readonly #list: StatementSync;

  constructor(database: DatabaseSync) {
    this.#firstTime = database.prepare(
      'INSERT INTO handled_event (source, event_id, handled_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#forget = database.prepare('DELETE FROM handled_event WHERE handled_at < ?');
    this.#add = database.prepare(
      `INSERT INTO activity (event_id, type, at, order_id, from_role, to_role, virtual_number, reason,
                             duration_seconds)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq`,
    );
    this.#trim = database.prepare('DELETE FROM activity WHERE seq <= ?');
    this.#list = database.prepare(
      `SELECT event_id AS eventId, type, at, order_id AS orderId, from_role AS fromRole, to_role AS toRole,
              virtual_number AS virtualNumber, reason, duration_seconds AS durationSeconds
       FROM activity ORDER BY seq DESC LIMIT ?`,
    );
  }

  /** Marks an event as handled; false when it was handled before. An event is known by source and id. */
  isFirstTime(source: string, eventId: string, now: Instant): boolean {
    return this.#firstTime.run(source, eventId, now).changes === 1;
  }

  forgetOldEvents(now: Instant): void {
    this.#forget.run(now - REMEMBERED_MS);
  }

  add(activity: Activity): void {
    const row = this.#add.get(
      activity.eventId,
      activity.type,
      activity.at,
      activity.orderId,
      activity.fromRole,
      activity.toRole,
      activity.virtualNumber,
      activity.reason,
      activity.durationSeconds,
    );
    this.#trim.run(Number(row?.seq) - KEPT_LINES);
  }

  /** Newest first. */
  list(limit: number): Activity[] {
    return this.#list.all(limit) as unknown as Activity[];
  }
}
