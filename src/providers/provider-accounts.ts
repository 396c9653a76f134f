import type { ProviderAccount, ProviderAccounts } from '../app/app.ts';
import { type Clock, type Instant, pause } from '../lib/clock.ts';
import type { Vault } from '../privacy/vault.ts';
import type { ProviderAccountRow, Storage } from '../storage/storage.ts';
import { AccountIds } from './account-ids.ts';
import type { AuthenticityFactor, Provider } from './provider.ts';

/** Makes the adapter of one provider for one account. @throws when settings or credentials are not valid */
export type ProviderFactory = (account: { settings: unknown; credentials: unknown }) => Provider;

export interface SealedCredentials {
  /** the secret segment of the account's webhook URLs */
  readonly pathSecret: string;
  /** what the adapter's own schema says */
  readonly credentials: unknown;
  /** those before the last exchange, by which webhooks are believed for a while longer */
  readonly before?: { readonly credentials: unknown; readonly until: Instant };
}

/** One proof alone can leak or be left out by a mistake. */
const FACTORS_MINIMUM = 2;

/** @throws Error when fewer than two things prove where the account's webhooks come from */
export function assertProven(name: string, provider: Provider): void {
  const factors = proofsOf(provider);
  if (factors.length >= FACTORS_MINIMUM) return;
  throw new Error(
    `Account "${name}" proves its webhooks by ${factors.join(', ') || 'nothing'} alone. ` +
      `Configure ${FACTORS_MINIMUM} factors; docs/providers says which there are.`,
  );
}

/** What proves where the account's webhooks come from, each once however often the adapter names it. */
export function proofsOf({ capabilities }: Provider): readonly AuthenticityFactor[] {
  return [...new Set(capabilities.authenticityFactors)];
}

/** A changed account is noticed after so long. */
const CACHE_MS = 30_000;
/** While the database does not answer, one that was known before is used until it is this old. */
const STALE_MS = 300_000;
/** How long a webhook waits for a newer one; its answer has 400 ms in all. */
const REFRESH_PATIENCE_MS = 25;

/**
 * The provider accounts in storage, as adapters. `factories` is filled by `main.ts`, the only place that knows
 * which adapters there are.
 */
export function createProviderAccounts(deps: {
  storage: Storage;
  vault: Vault;
  clock: Clock;
  factories: ReadonlyMap<string, ProviderFactory>;
  publicUrl: string;
}): ProviderAccounts {
  const ids = new AccountIds(
    async () => (await deps.storage.system.providerAccountList()).map((row) => row.id),
    deps.clock,
  );
  const cache = new Map<string, { account: ProviderAccount; loadedAt: number }>();

  async function load(row: ProviderAccountRow): Promise<ProviderAccount> {
    const cached = cache.get(row.id);
    if (cached && deps.clock.now() - cached.loadedAt < CACHE_MS) return cached.account;
    const factory = deps.factories.get(row.provider);
    if (!factory)
      throw new Error(`Account ${row.name} is of provider "${row.provider}", which is not built in.`);
    const keys = await deps.vault.keysOf(row.tenant);
    const sealed = keys.openText(row.sealedCredentials, { table: 'provider_account', row: row.id });
    const { pathSecret, credentials, before } = JSON.parse(sealed) as SealedCredentials;
    const provider = factory({ settings: row.settings, credentials });
    assertProven(row.name, provider);
    const account: ProviderAccount = {
      tenant: row.tenant,
      id: row.id,
      name: row.name,
      provider,
      pathSecret,
      webhookBase: webhookBase(deps.publicUrl, row, pathSecret),
      ...(before &&
        deps.clock.now() < before.until && {
          before: {
            provider: factory({ settings: row.settings, credentials: before.credentials }),
            until: before.until,
          },
        }),
    };
    cache.set(row.id, { account, loadedAt: deps.clock.now() });
    return account;
  }

  const refreshes = new Map<string, Promise<ProviderAccount | null>>();

  async function ask(id: string): Promise<ProviderAccount | null> {
    if (!(await ids.has(id))) return null;
    const row = await deps.storage.system.providerAccountById(id);
    if (!row) ids.forget(id);
    return row ? load(row) : null;
  }

  /** One at a time for each account, whoever asks. */
  function refresh(id: string): Promise<ProviderAccount | null> {
    const known = refreshes.get(id);
    if (known) return known;
    const loading = ask(id).finally(() => refreshes.delete(id));
    refreshes.set(id, loading);
    return loading;
  }

  /** The newer one when it comes soon, else the one that is known: the database may be slow, or away. */
  async function newerSoon(id: string, known: ProviderAccount): Promise<ProviderAccount | null> {
    const enough = new AbortController();
    const newer = refresh(id).catch(() => known);
    const waited = pause(deps.clock, REFRESH_PATIENCE_MS, enough.signal).then(() => known);
    return Promise.race([newer, waited]).finally(() => enough.abort());
  }

  return {
    async byId(id) {
      const cached = cache.get(id);
      const ageMs = cached ? deps.clock.now() - cached.loadedAt : Number.POSITIVE_INFINITY;
      if (cached && ageMs < CACHE_MS) return cached.account;
      if (cached && ageMs < STALE_MS) return newerSoon(id, cached.account);
      return refresh(id);
    },
    async byName(tenant, name) {
      const row = await deps.storage.run(tenant, (storage) => storage.providerAccounts.get(name));
      return row ? load(row) : null;
    },
  };
}

export function webhookBase(
  publicUrl: string,
  row: { provider: string; id: string },
  pathSecret: string,
): string {
  return `${publicUrl}/webhooks/${row.provider}/${row.id}/${pathSecret}`;
}
