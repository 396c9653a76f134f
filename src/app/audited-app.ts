import { StorageError } from '../storage/storage-error.ts';
import type { Storage } from '../storage/storage.ts';
import type { App } from './app.ts';
import { appendAudit, type AuditedAct } from './audit.ts';

const ATTEMPTS = 5;
/** The tables of the audit: only the very first row of a tenant can meet another one there. */
const FIRST_ROW = /^audit/;

export interface AuditedApp {
  readonly app: App;
  /** whether a transaction has committed, and the row with it */
  noted(): boolean;
}

/**
 * The same use cases, but the first transaction of the tenant that changes something writes the row of the audit as
 * well: both or neither, whatever dies in between. A transaction that answers null has found nothing to change.
 *
 * @param actOf the row, made of what the transaction answers
 */
export async function auditedApp(
  app: App,
  tenant: string,
  actOf: (changed: unknown) => AuditedAct,
): Promise<AuditedApp> {
  const keys = await app.vault.keysOf(tenant);
  let noted = false;
  const storage: Storage = {
    ...app.storage,
    async transaction(ofTenant, work) {
      if (noted || ofTenant !== tenant) return app.storage.transaction(ofTenant, work);
      for (let attempt = 1; ; attempt++) {
        try {
          let changes = false;
          const result = await app.storage.transaction(tenant, async (inside) => {
            const changed = await work(inside);
            changes = changed !== null;
            if (changes) await appendAudit(app, inside, keys, actOf(changed));
            return changed;
          });
          noted ||= changes;
          return result;
        } catch (error) {
          if (!isFirstRowRace(error) || attempt === ATTEMPTS) throw error;
        }
      }
    },
  };
  return { app: { ...app, storage }, noted: () => noted };
}

function isFirstRowRace(error: unknown): boolean {
  return (
    error instanceof StorageError && error.code === 'constraint' && FIRST_ROW.test(error.constraint ?? '')
  );
}
