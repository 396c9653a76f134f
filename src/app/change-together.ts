import { MasklineError } from '../domain/errors.ts';
import type { InboxEvent } from '../storage/assignment-storage.ts';
import { StorageError } from '../storage/storage-error.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { App } from './app.ts';

/** `deferred`: nothing was done about this one, and whoever does one at a time has to. */
export type ChangeOutcome = 'applied' | 'duplicate' | 'deferred';

export interface ChangeRequest {
  readonly reference: string;
  readonly cause: InboxEvent;
}

/**
 * Notes many events in the inbox and does in the same transaction what those ask for that are new. A lot has each order
 * once; whatever of it is there again is deferred, and so is all of it when the database refuses something, because
 * one by one shows which.
 * @throws StorageError that passes
 */
export async function changeTogether<Request extends ChangeRequest>(
  app: App,
  tenant: string,
  requests: readonly Request[],
  change: (storage: TenantStorage, fresh: readonly Request[]) => Promise<void>,
): Promise<readonly ChangeOutcome[]> {
  const seen = new Set<string>();
  const places = requests.flatMap(({ reference }, place) =>
    seen.has(reference) ? [] : seen.add(reference) && [place],
  );
  const lot = places.map((place) => requests[place] as Request);
  const outcomes: ChangeOutcome[] = requests.map(() => 'deferred');
  try {
    const fresh = await app.storage.transaction(tenant, async (storage) => {
      const events = lot.map(({ cause }) => cause);
      const noted = await storage.assignments.inboxInsert(events, app.clock.now());
      const news = lot.filter((_, i) => noted.has(i));
      if (news.length > 0) await change(storage, news);
      return noted;
    });
    for (const [i, place] of places.entries()) outcomes[place] = fresh.has(i) ? 'applied' : 'duplicate';
    return outcomes;
  } catch (error) {
    const isOfOne =
      error instanceof MasklineError ||
      (error instanceof StorageError && (error.code === 'constraint' || error.code === 'other'));
    if (!isOfOne) throw error;
    return outcomes;
  }
}
