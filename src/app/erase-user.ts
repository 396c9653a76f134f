import { ClosedReason } from '../domain/session.ts';
import type { App } from './app.ts';
import { appendAudit } from './audit.ts';
import { closeSession } from './close-session.ts';

export interface Erasure {
  readonly sessions: number;
  readonly closed: number;
}

/**
 * Forgets a person by the id that the Orders service gave: open sessions are closed, and from every session the
 * number, the key that it was sealed with, the caller key and the id itself go. In backups the number stays shut,
 * because half of what opened it is gone. The audit keeps that it was done, by a keyed digest of the id.
 */
export async function eraseUser(
  app: App,
  tenant: string,
  request: { readonly userId: string; readonly actor: string },
): Promise<Erasure> {
  const { userId, actor } = request;
  const keys = await app.vault.keysOf(tenant);
  const found = await app.storage.run(tenant, ({ privacy }) => privacy.tracesOf(userId));
  const open = found.filter((trace) => !trace.closed);
  for (const { sessionId } of open) {
    await closeSession(app, { tenant, sessionId, reason: ClosedReason.Closed });
  }
  const sessions = await app.storage.transaction(tenant, async (storage) => {
    // Again, and what has opened since goes the same way: its participant is erased, so that it cannot route.
    const traces = await storage.privacy.tracesOf(userId);
    for (const trace of traces) await storage.privacy.eraseParticipant(trace);
    await storage.privacy.forgetAnswersAbout(userId);
    const subject = Buffer.from(keys.fingerprint(`user:${userId}`)).toString('hex');
    const details = { sessions: traces.length };
    await appendAudit(app, storage, keys, { actor, action: 'user.erased', subject, details });
    return traces.length;
  });
  return { sessions, closed: open.length };
}

/** Whether an erasure of this person stands in the audit, which knows people by digest only. */
export async function userDigest(app: Pick<App, 'vault'>, tenant: string, userId: string): Promise<string> {
  return Buffer.from((await app.vault.keysOf(tenant)).fingerprint(`user:${userId}`)).toString('hex');
}
