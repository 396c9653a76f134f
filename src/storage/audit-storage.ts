import type { Instant } from '../lib/clock.ts';

/** One thing that was done, and by whom. It holds no real number and no secret. */
export interface AuditEntry {
  readonly at: Instant;
  /** `key:<id>`, `command:<user>` or `job:<name>` */
  readonly actor: string;
  /** `pool.created`, `number.revealed` … */
  readonly action: string;
  /** what it was done to */
  readonly subject: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface AuditRow extends AuditEntry {
  /** 1, 2, 3 … within a tenant, without gaps */
  readonly seq: number;
  readonly previousHash: Uint8Array;
  readonly hash: Uint8Array;
}

export interface AuditHead {
  readonly seq: number;
  readonly hash: Uint8Array;
}

export interface AuditStorage {
  /** Locks the end of the chain until the transaction ends. */
  lockHead(): Promise<AuditHead | null>;
  /** Only inside a transaction that holds the head. */
  append(row: AuditRow): Promise<void>;
  head(): Promise<AuditHead | null>;
  /** In the order of `seq`. */
  list(after: number, limit: number): Promise<readonly AuditRow[]>;
  /** How often this actor did this since then. */
  count(actor: string, action: string, since: Instant): Promise<number>;
}
