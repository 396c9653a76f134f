import type { CallLimits, CallStorage, NewCall, OutboxEvent } from '../storage/storage.ts';
import { StorageError } from '../storage/storage-error.ts';
import type { App } from './app.ts';

type Inserted = Awaited<ReturnType<CallStorage['insert']>>;

/**
 * Records a decision. When the connection breaks and nobody knows whether that was committed, it is tried once
 * more: a call is recorded and counted once, so that the second time either does it or finds it done, and the
 * caller need not be turned away.
 */
export async function insertCall(
  app: Pick<App, 'storage'>,
  tenant: string,
  record: NewCall,
  event: OutboxEvent | null,
  limits: CallLimits | null,
): Promise<Inserted> {
  const insert = (): Promise<Inserted> =>
    app.storage.run(tenant, (storage) => storage.calls.insert(record, event, limits));
  try {
    return await insert();
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== 'commit_unknown') throw error;
    return insert();
  }
}
