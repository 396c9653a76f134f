import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Instant } from '../../../../src/lib/clock.ts';
import type { Role } from '../api-types.ts';

export interface Profile {
  readonly userId: string;
  readonly role: Role;
  readonly name: string;
  /** E.164. It leaves this process towards the Profile directory's caller and the phone network only. */
  readonly realNumber: string;
}

/** Most profiles that one list shows. */
const LIST_LIMIT = 500;
const COLUMNS = 'user_id AS userId, role, name, real_number AS realNumber';

/** The company's Profile store: who its people are, and the only place that knows their real numbers. */
export class ProfileStore {
  readonly #save: StatementSync;
  readonly #get: StatementSync;
  readonly #list: StatementSync;
  readonly #count: StatementSync;
  readonly #byRealNumber: StatementSync;

  constructor(database: DatabaseSync) {
    this.#save = database.prepare(
      `INSERT INTO profile (user_id, role, name, real_number, created_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (user_id) DO UPDATE SET name = excluded.name, real_number = excluded.real_number`,
    );
    this.#get = database.prepare(`SELECT ${COLUMNS} FROM profile WHERE user_id = ?`);
    this.#list = database.prepare(`SELECT ${COLUMNS} FROM profile ORDER BY created_at, rowid LIMIT ?`);
    this.#count = database.prepare('SELECT count(*) AS profiles FROM profile');
    this.#byRealNumber = database.prepare('SELECT 1 FROM profile WHERE real_number = ? LIMIT 1');
  }

  save(profile: Profile, now: Instant): void {
    this.#save.run(profile.userId, profile.role, profile.name, profile.realNumber, now);
  }

  get(userId: string): Profile | null {
    return (this.#get.get(userId) as Profile | undefined) ?? null;
  }

  list(): Profile[] {
    return this.#list.all(LIST_LIMIT) as unknown as Profile[];
  }

  isEmpty(): boolean {
    return this.#count.get()?.profiles === 0;
  }

  /** Whether this number belongs to a person, so that no page may show it. */
  isRealNumber(e164: string): boolean {
    return this.#byRealNumber.get(e164) !== undefined;
  }
}
