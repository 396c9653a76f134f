import type { Clock, Instant } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import type { Signal } from '../lib/signal.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Vault } from '../privacy/vault.ts';
import type { ProfileDirectory } from '../profiles/profile-directory.ts';
import type { Provider } from '../providers/provider.ts';
import type { Storage } from '../storage/storage.ts';
import type { DestinationRule } from '../domain/destination.ts';
import type { PoolRules } from './pool-rules.ts';
import type { RefusalLimits } from './refusal-limits.ts';
import type { StockWatch } from './stock-watch.ts';

/** Whether a call may still be connected within the caps of its tenant and its account. */
export interface CallAdmission {
  admit(tenant: string, providerAccount: string): Promise<boolean>;
  giveBack(tenant: string, providerAccount: string): void;
}

/** Everything that a use case may reach. `main.ts` builds it once and hands it down. */
export interface App {
  readonly storage: Storage;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly random: Random;
  readonly providerAccounts: ProviderAccounts;
  readonly profiles: ProfileDirectory;
  readonly wake: Wake;
  readonly stockWatch: StockWatch;
  readonly poolRules: PoolRules;
  /** absent: nothing is capped */
  readonly callCaps?: CallAdmission;
  /** what a new pool connects to when it does not say; absent: the pool's countries, mobile and fixed lines */
  readonly destinationsDefault?: DestinationRule;
  readonly log: Log;
  readonly metrics: Metrics;
  /** who dials number after number; without it nobody is slowed down */
  readonly refusalLimits?: RefusalLimits;
  /**
   * Refused calls are answered at a multiple of so many milliseconds after they came, so that how long it took says
   * nothing; without it they are answered as soon as may be.
   */
  readonly refusalGridMs?: number;
  /** in development, where a webhook may lead to this machine */
  readonly allowsLoopbackWebhooks?: boolean;
}

/** Tells a background loop that there is work now. Each loop also looks by itself from time to time. */
export interface Wake {
  readonly outbox: Signal;
  readonly stock: Signal;
  readonly pending: Signal;
}

export interface ProviderAccount {
  readonly tenant: string;
  readonly id: string;
  readonly name: string;
  readonly provider: Provider;
  /** the secret segment of this account's webhook URLs: one of its authenticity factors */
  readonly pathSecret: string;
  readonly webhookBase: string;
  /** Whose secrets a webhook may be signed with besides, until then: those before the last exchange. */
  readonly before?: { readonly provider: Provider; readonly until: Instant };
}

export interface ProviderAccounts {
  byId(id: string): Promise<ProviderAccount | null>;
  byName(tenant: string, name: string): Promise<ProviderAccount | null>;
}

/** Which event asks for a change; its inbox row is written in the same transaction, so that it applies once. */
export interface Cause {
  readonly source: string;
  readonly eventId: string;
}
