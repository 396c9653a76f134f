import { type Opening, openSession } from './open-session.ts';
import type { PostgresSettings } from './postgres-options.ts';
import type { PostgresSession } from './postgres-session.ts';

export type HostVerdict =
  /** `syncs`: an acknowledged commit is on its disk. The session is the asker's to use or to close. */
  | { readonly kind: 'usable'; readonly syncs: boolean; readonly session: PostgresSession }
  /** `standby`: takes no writes. */
  | { readonly kind: 'standby'; readonly reason: string }
  | Exclude<Opening, { readonly kind: 'open' }>;

/** Opens a session on the host to see what it is. It never rejects. */
export async function probeHost(
  url: string,
  settings: PostgresSettings,
  standbyAllowed: boolean,
): Promise<HostVerdict> {
  const opening = await openSession(url, settings);
  if (opening.kind !== 'open') return opening;
  const { session, state } = opening;
  if (!state.standby || standbyAllowed) return { kind: 'usable', syncs: state.syncs, session };
  session.abort();
  return { kind: 'standby', reason: 'takes no writes' };
}
