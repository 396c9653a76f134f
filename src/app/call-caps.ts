import { type CallCap, type SpendScope, TENANT_SCOPE } from '../storage/spend-storage.ts';
import type { App, CallAdmission } from './app.ts';
import { raiseEvent } from './raise-event.ts';

export interface CallCapPolicy {
  /** null: no cap */
  readonly tenant: CallCap | null;
  /** of each provider account */
  readonly providerAccount: CallCap | null;
}

export const HOUR_MS = 3_600_000;
/** What a replica takes at once, if the cap leaves so much: one write for so many calls. */
const SHARE_CALLS = 500;
/** For so long a replica goes by what it was told, so that minutes and a lifted cap are noticed within it. */
const FRESH_MS = 1_000;
/** From then on it asks again while calls still go by what it knows, so that in a stream of them none waits for it. */
const RENEWED_AFTER_MS = 500;
const SHARES_MAXIMUM = 10_000;

/** The hour of the clock that an instant is in. */
export function hourOf(now: number): number {
  return now - (now % HOUR_MS);
}

interface Share {
  readonly hour: number;
  left: number;
  spentBy: 'calls' | 'minutes' | null;
  readAt: number;
  asking: Promise<void> | null;
}

type Deps = Pick<App, 'storage' | 'clock' | 'random' | 'log' | 'metrics' | 'wake'>;

/**
 * How many calls, and minutes, a tenant and each of its provider accounts may connect in an hour of the clock. Replicas
 * take shares of what is left from storage, large ones while much is left and single calls at the end, so that a
 * decision costs no write and all replicas together never connect more than the cap. Minutes are measured every
 * few seconds: see `spendWatch`.
 */
export class CallCaps implements CallAdmission {
  readonly #deps: Deps;
  readonly #policy: CallCapPolicy;
  readonly #shares = new Map<string, Share>();

  constructor(deps: Deps, policy: CallCapPolicy) {
    this.#deps = deps;
    this.#policy = policy;
  }

  /** Takes one call from the tenant and from the account, or returns false and takes none. @throws StorageError */
  async admit(tenant: string, providerAccount: string): Promise<boolean> {
    const { tenant: ofTenant, providerAccount: ofAccount } = this.#policy;
    // Both at once: the caller waits on the line, and for one way to the database rather than two.
    if (ofTenant) this.#renew(tenant, TENANT_SCOPE, ofTenant);
    if (ofAccount) this.#renew(tenant, providerAccount, ofAccount);
    if (ofTenant && !(await this.#take(tenant, TENANT_SCOPE, ofTenant))) return false;
    if (ofAccount && !(await this.#take(tenant, providerAccount, ofAccount))) {
      this.#return(tenant, TENANT_SCOPE);
      return false;
    }
    return true;
  }

  /** For a call that was admitted and then not connected: a repeated question, or another limit. */
  giveBack(tenant: string, providerAccount: string): void {
    this.#return(tenant, TENANT_SCOPE);
    this.#return(tenant, providerAccount);
  }

  #return(tenant: string, scope: SpendScope): void {
    const share = this.#shares.get(nameOf(tenant, scope));
    if (share && share.hour === hourOf(this.#deps.clock.now())) share.left++;
  }

  async #take(tenant: string, scope: SpendScope, cap: CallCap): Promise<boolean> {
    for (;;) {
      const now = this.#deps.clock.now();
      const share = this.#share(tenant, scope, hourOf(now));
      if (now - share.readAt < FRESH_MS) {
        if (share.spentBy === 'minutes') return false;
        if (share.left > 0) {
          share.left--;
          return true;
        }
        if (share.spentBy === 'calls') return false;
      }
      await this.#askOnce(tenant, scope, cap, share);
    }
  }

  /** Nobody waits for it: whoever finds nothing fresh asks again, and hears what is wrong. */
  #renew(tenant: string, scope: SpendScope, cap: CallCap): void {
    const now = this.#deps.clock.now();
    const share = this.#share(tenant, scope, hourOf(now));
    if (now - share.readAt >= RENEWED_AFTER_MS) this.#askOnce(tenant, scope, cap, share).catch(() => {});
  }

  #askOnce(tenant: string, scope: SpendScope, cap: CallCap, share: Share): Promise<void> {
    share.asking ??= this.#ask(tenant, scope, cap, share).finally(() => {
      share.asking = null;
    });
    return share.asking;
  }

  #share(tenant: string, scope: SpendScope, hour: number): Share {
    const name = nameOf(tenant, scope);
    const known = this.#shares.get(name);
    if (known?.hour === hour) return known;
    if (this.#shares.size >= SHARES_MAXIMUM) this.#shares.clear();
    const share: Share = {
      hour,
      left: 0,
      spentBy: null,
      readAt: Number.NEGATIVE_INFINITY,
      asking: null,
    };
    this.#shares.set(name, share);
    return share;
  }

  async #ask(tenant: string, scope: SpendScope, cap: CallCap, share: Share): Promise<void> {
    const { storage, clock, log, wake } = this.#deps;
    const wanted = share.left > 0 ? 0 : SHARE_CALLS;
    // One statement, which never waits for the connections of work that waits for locks.
    const taken = await storage.run(tenant, ({ spend }) =>
      spend.takeCalls(scope, share.hour, wanted, cap, clock.now(), false),
    );
    share.left += taken.granted;
    share.spentBy = taken.spentBy;
    share.readAt = clock.now();
    if (!taken.isFirst || !(await this.#announce(tenant, scope, cap, share.hour))) return;
    log.error(
      { tenant, account: scope, measure: taken.spentBy },
      'A cap on calls is reached: nothing more is connected in this hour, unless `maskline caps lift` allows it.',
    );
    wake.outbox.raise();
  }

  /** Notes that the cap is reached together with its announcement. False when another replica has, or it was lifted. */
  async #announce(tenant: string, scope: SpendScope, cap: CallCap, hour: number): Promise<boolean> {
    const { storage, clock } = this.#deps;
    return storage.transaction(tenant, async ({ spend, outboxAppend }) => {
      const { isFirst, spentBy } = await spend.takeCalls(scope, hour, 0, cap, clock.now());
      if (isFirst && spentBy) await outboxAppend([this.#reached(tenant, scope, hour, spentBy)]);
      return isFirst;
    });
  }

  #reached(tenant: string, scope: SpendScope, hour: number, measure: 'calls' | 'minutes') {
    return raiseEvent(this.#deps, 'call_cap.reached', scope || tenant, {
      providerAccount: scope || null,
      measure,
      until: new Date(hour + HOUR_MS).toISOString(),
    });
  }
}

function nameOf(tenant: string, scope: SpendScope): string {
  return `${tenant}\n${scope}`;
}
