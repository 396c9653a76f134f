import type { TimerHandle } from '../../lib/clock.ts';
import type { Scope, Statement } from '../sql/connection.ts';
import { targetLabel } from './connection-targets.ts';
import type { PostgresSettings } from './postgres-options.ts';
import type { PostgresSession } from './postgres-session.ts';
import { probeHost } from './probe-host.ts';

export interface WantedSession {
  readonly scope: Scope;
  /** what it will be asked first, if that is known */
  readonly statement: Statement | null;
}

interface Idle {
  readonly session: PostgresSession;
  /** closes it */
  readonly timer: TimerHandle;
}

/**
 * The sessions on one host. It has no queue: whoever checks out has a turn already, and there are as many turns as
 * there may be sessions.
 */
export class HostPool {
  readonly url: string;
  readonly #settings: PostgresSettings;
  readonly #standbyAllowed: boolean;
  /** that of the last is used next, so that those that are not needed grow old */
  readonly #idle: Idle[] = [];
  readonly #inUse = new Set<PostgresSession>();
  #opening = 0;
  /** how many broke and have no successor yet */
  #lost = 0;
  #retired = false;

  constructor(url: string, settings: PostgresSettings, standbyAllowed: boolean) {
    this.url = url;
    this.#settings = settings;
    this.#standbyAllowed = standbyAllowed;
  }

  get open(): number {
    return this.#idle.length + this.#inUse.size + this.#opening;
  }

  get idle(): number {
    return this.#idle.length;
  }

  /**
   * An idle session, if there is one then one that is in that scope already and has planned the statement, or a new one.
   * @throws Error when none can be opened, or the pool is retired
   */
  async checkOut(wanted: WantedSession): Promise<PostgresSession> {
    if (this.#retired) throw new Error(`${targetLabel(this.url)} is not used any more`);
    const session = this.#takeIdle(wanted);
    if (!session) return this.#openOne((opened) => this.#inUse.add(opened));
    this.#inUse.add(session);
    return session;
  }

  giveBack(session: PostgresSession): void {
    this.#inUse.delete(session);
    if (session.broken) this.#lost++;
    else if (this.#retired) session.end();
    else this.#idle.push(this.#toIdle(session));
  }

  /**
   * The host answers: this session, which was opened to see whether it does, and further ones take the places of those
   * that broke, so that nobody has to wait until another is opened.
   */
  replenish(session: PostgresSession): void {
    if (this.open < this.#settings.poolSize) this.#spare(session);
    else session.end();
    for (let owed = this.#lost - 1; owed > 0 && this.open < this.#settings.poolSize; owed--) {
      // When it fails, whoever needs one opens it and hears why.
      this.#openOne((opened) => this.#spare(opened)).catch(() => {});
    }
    this.#lost = 0;
  }

  /** Closes what is idle now, and what is in use when it comes back. */
  retire(): void {
    this.#retired = true;
    for (const { session, timer } of this.#idle.splice(0)) {
      timer.cancel();
      session.abort();
    }
  }

  /** Closes everything now; whoever waits for an answer is told that none comes. */
  abandon(): void {
    for (const session of this.#inUse) session.abort();
    this.retire();
  }

  #takeIdle({ scope, statement }: WantedSession): PostgresSession | null {
    const inScope = this.#idle.filter(({ session }) => session.isIn(scope));
    const taken =
      inScope.findLast(({ session }) => statement && session.hasPlanned(statement)) ??
      inScope.at(-1) ??
      this.#idle.at(-1);
    if (!taken) return null;
    this.#forget(taken);
    taken.timer.cancel();
    return taken.session;
  }

  /** @param place where it goes */
  async #openOne(place: (session: PostgresSession) => void): Promise<PostgresSession> {
    this.#opening++;
    try {
      const verdict = await probeHost(this.url, this.#settings, this.#standbyAllowed);
      if (verdict.kind !== 'usable') throw new Error(`${targetLabel(this.url)}: ${verdict.reason}`);
      place(verdict.session);
      return verdict.session;
    } finally {
      this.#opening--;
    }
  }

  /** Used after all the others: its first statements are planned anew. */
  #spare(session: PostgresSession): void {
    if (this.#retired) session.end();
    else if (!session.broken) this.#idle.unshift(this.#toIdle(session));
  }

  #toIdle(session: PostgresSession): Idle {
    const { clock, idleTimeoutMs, log } = this.#settings;
    const timer = clock.after(idleTimeoutMs, () => {
      if (this.#forget(idle)) session.end();
    });
    const idle = { session, timer };
    session.whenBroken((reason) => {
      // While it is in use, whoever uses it finds out.
      if (!this.#forget(idle)) return;
      timer.cancel();
      log.warn({ reason }, 'An idle database connection was lost.');
    });
    return idle;
  }

  /** False when it is not idle any more. */
  #forget(idle: Idle): boolean {
    const place = this.#idle.indexOf(idle);
    if (place >= 0) this.#idle.splice(place, 1);
    return place >= 0;
  }
}
