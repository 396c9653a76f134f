import { Client } from 'pg';
import { isServerError } from '../database-error.ts';
import { StorageError } from '../storage-error.ts';
import { clientConfig, connectFailure } from './client-config.ts';
import type { PostgresSettings } from './postgres-options.ts';
import { PostgresSession, type ServerState } from './postgres-session.ts';

/** A server that lets somebody in and ends the session so often means everybody. */
const ATTEMPTS = 3;
/** Past this beyond the limit, it was this process that was too slow to see an answer. */
const OWN_DELAY_MS = 500;

export type Opening =
  | { readonly kind: 'open'; readonly session: PostgresSession; readonly state: ServerState }
  /**
   * `unreachable`: nothing sent there will be answered. `refused`: lets nobody in just now, or it could not be told;
   * the sessions that it has may well go on.
   */
  | { readonly kind: 'unreachable' | 'refused'; readonly reason: string };

/**
 * Connects and prepares a session. It never rejects. A server may end a single session while it opens, which says
 * nothing about all the others: then another is opened at once.
 */
export async function openSession(url: string, settings: PostgresSettings): Promise<Opening> {
  for (let attempt = 1; ; attempt++) {
    const opening = await openOnce(url, settings);
    if (opening.kind === 'open' || !opening.isBroken || attempt >= ATTEMPTS) return opening;
  }
}

async function openOnce(
  url: string,
  settings: PostgresSettings,
): Promise<Opening & { readonly isBroken?: boolean }> {
  const { clock, connectTimeoutMs } = settings;
  const startedAt = clock.now();
  let session: PostgresSession | null = null;
  let isLetIn = false;
  try {
    // A malformed URL throws here.
    const client = new Client(clientConfig(url, settings));
    session = new PostgresSession(client, settings);
    await client.connect();
    isLetIn = true;
    return { kind: 'open', session, state: await session.prepare() };
  } catch (error) {
    session?.abort();
    const isDelayed = clock.now() - startedAt > connectTimeoutMs + OWN_DELAY_MS;
    // Silence is no such break: asking again would take as long once more.
    const isBroken = isLetIn && session?.silent === false;
    const isAnswer = isServerError(error) || (error instanceof StorageError && error.sqlState !== null);
    return {
      kind: isAnswer || isDelayed || isBroken ? 'refused' : 'unreachable',
      reason: connectFailure(error),
      isBroken,
    };
  }
}
