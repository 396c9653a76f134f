import { Client } from 'pg';
import { isServerError } from '../database-error.ts';
import { clientConfig, connectFailure } from './client-config.ts';
import type { PostgresSettings } from './postgres-options.ts';
import { PostgresSession } from './postgres-session.ts';

export type HostVerdict =
  /** `syncs`: an acknowledged commit is on its disk */
  | { readonly kind: 'usable'; readonly syncs: boolean }
  /**
   * `unreachable`: nothing sent there will be answered. `standby`: takes no writes. `refused`: lets nobody in just
   * now, or it could not be told; the sessions that it has may well go on.
   */
  | { readonly kind: 'unreachable' | 'standby' | 'refused'; readonly reason: string };

/** Past this beyond the limit, it was this process that was too slow to see an answer. */
const OWN_DELAY_MS = 500;

/**
 * Looks at what the host is. It never rejects. A connection that was made and then broke says little, because a
 * server may end a single session: the host is asked once more before all its sessions are given up.
 */
export async function probeHost(
  url: string,
  settings: PostgresSettings,
  standbyAllowed: boolean,
): Promise<HostVerdict> {
  const first = await connectAndLook(url, settings, standbyAllowed);
  return first.broke ? connectAndLook(url, settings, standbyAllowed) : first;
}

async function connectAndLook(
  url: string,
  settings: PostgresSettings,
  standbyAllowed: boolean,
): Promise<HostVerdict & { readonly broke?: boolean }> {
  const { clock, connectTimeoutMs } = settings;
  const startedAt = clock.now();
  let session: PostgresSession | null = null;
  let connected = false;
  try {
    // A malformed URL throws here.
    const client = new Client(clientConfig(url, settings));
    session = new PostgresSession(client, settings);
    await client.connect();
    connected = true;
    const { standby, syncs } = await session.prepare();
    if (standby && !standbyAllowed) return { kind: 'standby', reason: 'takes no writes' };
    return { kind: 'usable', syncs };
  } catch (error) {
    const delayed = clock.now() - startedAt > connectTimeoutMs + OWN_DELAY_MS;
    return {
      kind: isServerError(error) || delayed ? 'refused' : 'unreachable',
      reason: connectFailure(error),
      // Silence is no such break: asking again would take as long once more.
      broke: connected && session?.silent === false,
    };
  } finally {
    session?.abort();
  }
}
