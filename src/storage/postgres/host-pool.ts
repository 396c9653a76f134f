import { Pool, type PoolClient } from 'pg';
import { clientConfig } from './client-config.ts';
import { targetLabel } from './connection-targets.ts';
import type { PostgresSettings } from './postgres-options.ts';
import { PostgresSession } from './postgres-session.ts';

/** The connections to one host. */
export class HostPool {
  readonly url: string;
  readonly #pool: Pool;
  /** every open session */
  readonly #sessions = new Map<PoolClient, PostgresSession>();
  readonly #inUse = new Map<PostgresSession, PoolClient>();

  constructor(url: string, settings: PostgresSettings, standbyAllowed: boolean) {
    this.url = url;
    this.#pool = new Pool({
      ...clientConfig(url, settings),
      max: settings.poolSize,
      idleTimeoutMillis: settings.idleTimeoutMs,
      onConnect: async (client) => {
        const opened = client as PoolClient;
        const session = new PostgresSession(opened, settings);
        this.#sessions.set(opened, session);
        const { standby } = await session.prepare();
        if (standby && !standbyAllowed) throw new Error(`${targetLabel(url)} takes no writes`);
      },
    });
    this.#pool.on('remove', (client) => this.#sessions.delete(client));
    // An idle connection that the server ended; the pool has removed it already.
    this.#pool.on('error', (error) => {
      settings.log.warn({ reason: error.message }, 'An idle database connection was lost.');
    });
  }

  get open(): number {
    return this.#pool.totalCount;
  }

  get idle(): number {
    return this.#pool.idleCount;
  }

  /** @throws Error when no connection can be made, or the pool is retired */
  async checkOut(): Promise<PostgresSession> {
    for (;;) {
      const client = await this.#pool.connect();
      const session = this.#sessions.get(client);
      if (session && !session.broken) {
        this.#inUse.set(session, client);
        return session;
      }
      client.release(true);
    }
  }

  giveBack(session: PostgresSession): void {
    this.#inUse.get(session)?.release(session.broken);
    this.#inUse.delete(session);
  }

  /** Closes what is idle now, and what is in use when it comes back. */
  retire(): void {
    for (const session of this.#sessions.values()) if (!this.#inUse.has(session)) session.abort();
    if (!this.#pool.ending) this.#pool.end().catch(() => {});
  }

  /** Closes everything now; whoever waits for an answer is told that none comes. */
  abandon(): void {
    for (const session of this.#inUse.keys()) session.abort();
    this.retire();
  }
}
