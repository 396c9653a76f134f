import type { CallLimits, CallStorage, NewCall } from '../storage/call-storage.ts';
import type { OutboxEvent } from '../storage/outbox-storage.ts';
import { StorageError } from '../storage/storage-error.ts';
import type { App } from './app.ts';

type Inserted = Awaited<ReturnType<CallStorage['insert']>>;

/** More would take longer than a caller waits. */
const ATTEMPTS = 4;

/**
 * Records a decision. When the connection breaks and nobody knows whether that was committed, it is tried again:
 * a call is recorded and counted once, so that the next time either does it or finds it done, and the caller need
 * not be turned away.
 */
export async function insertCall(
  app: Pick<App, 'storage'>,
  tenant: string,
  record: NewCall,
  event: OutboxEvent | null,
  limits: CallLimits | null,
): Promise<Inserted> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await app.storage.run(tenant, (storage) => storage.calls.insert(record, event, limits));
    } catch (error) {
      const isUnknown = error instanceof StorageError && error.code === 'commit_unknown';
      if (!isUnknown || attempt >= ATTEMPTS) throw error;
    }
  }
}
