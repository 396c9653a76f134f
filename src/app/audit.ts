import { timingSafeEqual } from 'node:crypto';
import type { TenantKeys } from '../privacy/vault.ts';
import type { AuditEntry, AuditHead, AuditRow } from '../storage/audit-storage.ts';
import { StorageError } from '../storage/storage-error.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { App } from './app.ts';

/** Before the first row there are 32 zeros. */
const START: AuditHead = { seq: 0, hash: new Uint8Array(32) };
const PAGE = 5_000;
const ATTEMPTS = 5;

export type AuditedAct = Omit<AuditEntry, 'at'>;

/**
 * Adds a row to the tenant's audit, inside the transaction that does what the row says: both or neither. Others
 * who add one wait until the transaction ends, so it comes last.
 */
export async function appendAudit(
  app: Pick<App, 'clock'>,
  storage: TenantStorage,
  keys: TenantKeys,
  act: AuditedAct,
): Promise<void> {
  const head = (await storage.audit.lockHead()) ?? START;
  const row = { ...act, at: app.clock.now(), seq: head.seq + 1, previousHash: head.hash };
  await storage.audit.append({ ...row, hash: hashOf(keys, row) });
}

/** The same in a transaction of its own, for what cannot share one: it was done, or was begun, elsewhere. */
export async function recordAudit(
  app: Pick<App, 'clock' | 'storage' | 'vault'>,
  tenant: string,
  act: AuditedAct,
): Promise<void> {
  const keys = await app.vault.keysOf(tenant);
  for (let attempt = 1; ; attempt++) {
    try {
      return await app.storage.transaction(tenant, (storage) => appendAudit(app, storage, keys, act));
    } catch (error) {
      // Only the very first row of a tenant can meet another one: then there was no head to lock.
      if (!(error instanceof StorageError) || error.code !== 'constraint' || attempt === ATTEMPTS)
        throw error;
    }
  }
}

export interface AuditVerdict {
  readonly rows: number;
  readonly head: AuditHead;
  /** the first row that is not what it should be, and why; null when the chain is whole */
  readonly broken: { readonly seq: number; readonly reason: string } | null;
}

/**
 * Reads the whole chain: every row must hash to what it says, follow the row before it, and the last must be the
 * one that the head names. `expected`, a head noted elsewhere, shows that nobody cut the chain and its head short.
 */
export async function verifyAudit(
  app: Pick<App, 'storage' | 'vault'>,
  tenant: string,
  options: { readonly expected?: AuditHead; readonly onProgress?: (rows: number) => void } = {},
): Promise<AuditVerdict> {
  const keys = await app.vault.keysOf(tenant);
  const { expected, onProgress } = options;
  let last = START;
  let rows = 0;
  const broken = (seq: number, reason: string): AuditVerdict => ({
    rows,
    head: last,
    broken: { seq, reason },
  });
  for (;;) {
    const page = await app.storage.run(tenant, (storage) => storage.audit.list(last.seq, PAGE));
    for (const row of page) {
      if (row.seq !== last.seq + 1) return broken(last.seq + 1, 'the row is missing');
      if (!same(row.previousHash, last.hash)) return broken(row.seq, 'it does not follow the row before it');
      if (!same(row.hash, hashOf(keys, row))) return broken(row.seq, 'it was changed');
      last = row;
      rows++;
      if (expected?.seq === row.seq && !same(expected.hash, row.hash)) {
        return broken(row.seq, 'it is not the row that was noted');
      }
    }
    onProgress?.(rows);
    if (page.length < PAGE) break;
  }
  const head = (await app.storage.run(tenant, (storage) => storage.audit.head())) ?? START;
  if (head.seq !== last.seq || !same(head.hash, last.hash)) {
    return broken(last.seq + 1, `the last rows are missing: the head is row ${head.seq}`);
  }
  if (expected && expected.seq > last.seq) return broken(last.seq + 1, `row ${expected.seq} was noted`);
  return { rows, head: last, broken: null };
}

/**
 * Keyed with the tenant's fingerprint key, which the master key wraps: whoever has the database alone cannot make
 * a row. Over the fields in this order, with the names in `details` sorted, as jsonb does not keep their order.
 */
function hashOf(keys: TenantKeys, row: Omit<AuditRow, 'hash'>): Uint8Array {
  const { seq, at, actor, action, subject, details, previousHash } = row;
  const fields = [
    seq,
    at,
    actor,
    action,
    subject,
    sorted(details),
    Buffer.from(previousHash).toString('hex'),
  ];
  return keys.fingerprint(`audit:${JSON.stringify(fields)}`);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, field]) => [name, sorted(field)]),
  );
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
