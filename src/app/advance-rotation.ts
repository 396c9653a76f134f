import type { Instant } from '../lib/clock.ts';
import { dayOf } from '../privacy/vault.ts';
import type { App } from './app.ts';
import { addTwins, leaveOtherIndexKeys } from './rekey-callers.ts';
import { resealUnder } from './reseal-under.ts';

const DAY_MS = 86_400_000;
/** Every replica has noticed a changed key after 5 s, and what it began before is done. */
const NOTICED_MS = 15_000;
/** Longer than keys in memory are used while storage does not answer. */
const DESTROY_AFTER_MS = 16 * 60_000;

/**
 * Takes what is under way with the keys of a tenant a step further: seals anew what retired keys sealed, gives
 * every route a twin under an incoming index key, switches over, and destroys what nothing needs any more. Each
 * step can be repeated, so a process that dies in the middle is followed by another that begins the step again.
 * It remembers only since when it has seen a key in its state.
 */
export class KeyRotation {
  readonly #app: App;
  readonly #numberDays: number;
  readonly #seen = new Map<string, Instant>();
  /** retired keys that seal nothing any more and only wait to be destroyed */
  readonly #empty = new Set<string>();

  /** @param numberDays after so many days, a day's key is destroyed */
  constructor(app: App, numberDays: number) {
    this.#app = app;
    this.#numberDays = numberDays;
  }

  async advance(tenant: string, signal: AbortSignal): Promise<void> {
    await this.#retireOldDays(tenant);
    await this.#reseal(tenant, signal);
    await this.#moveIndex(tenant, signal);
  }

  /** Long sessions may still be sealed under them: those are sealed anew. */
  async #retireOldDays(tenant: string): Promise<void> {
    const oldest = this.#oldestDay();
    for (const key of await this.#app.storage.keys.dataKeyList(tenant)) {
      if (key.state === 'active' && key.purpose === 'seal' && key.day && key.day < oldest) {
        await this.#app.storage.keys.dataKeySetState(tenant, key.keyId, 'active', 'retired');
      }
    }
  }

  #oldestDay(): string {
    return dayOf(this.#app.clock.now() - this.#numberDays * DAY_MS);
  }

  async #reseal(tenant: string, signal: AbortSignal): Promise<void> {
    const stored = await this.#app.storage.keys.dataKeyList(tenant);
    const retired = stored.filter((key) => key.purpose === 'seal' && key.state === 'retired');
    if (retired.length === 0) return;
    // What other replicas are about to seal under a key that retired a moment ago is found in a later round.
    const noticed = retired.filter((key) => this.#seenFor(tenant, key.keyId, 'retired') >= NOTICED_MS);
    const full = noticed.filter((key) => !this.#empty.has(nameOf(tenant, key.keyId)));
    if (full.length > 0) {
      const keyIds = full.map((key) => key.keyId);
      const found = await resealUnder(this.#app, tenant, keyIds, signal);
      if (signal.aborted) return;
      // What was found may have changed while it was sealed: that there is no more, only a round that finds none can tell.
      if (found === 0) for (const keyId of keyIds) this.#empty.add(nameOf(tenant, keyId));
    }
    for (const key of noticed) {
      const empty = this.#empty.has(nameOf(tenant, key.keyId));
      const waited = this.#seenFor(tenant, key.keyId, 'retired') >= DESTROY_AFTER_MS;
      // A day's key opens the dead letters of that day for as long as days are kept.
      const past = !key.day || key.day < this.#oldestDay();
      if (empty && waited && past) await this.#destroy(tenant, key.keyId);
    }
  }

  async #moveIndex(tenant: string, signal: AbortSignal): Promise<void> {
    const stored = (await this.#app.storage.keys.dataKeyList(tenant)).filter(
      (key) => key.purpose === 'index',
    );
    const active = stored.find((key) => key.state === 'active');
    const writing = stored.find((key) => key.state === 'writing');
    const retired = stored.find((key) => key.state === 'retired');
    if (!active) return;
    if (writing && this.#seenFor(tenant, writing.keyId, 'writing') >= NOTICED_MS) {
      const incoming = writing.keyId > active.keyId;
      const newest = incoming ? writing.keyId : active.keyId;
      // Also on the way out: a replica that was late may have written a route without its twin.
      const added = await addTwins(this.#app, tenant, newest, signal);
      if (signal.aborted || added > 0) return;
      if (incoming) await this.#app.storage.keys.indexKeySwap(tenant, active.keyId, writing.keyId);
      else await this.#app.storage.keys.dataKeySetState(tenant, writing.keyId, 'writing', 'retired');
      return;
    }
    if (!retired || this.#seenFor(tenant, retired.keyId, 'retired') < NOTICED_MS) return;
    await leaveOtherIndexKeys(this.#app, tenant, active.keyId, signal);
    const waited = this.#seenFor(tenant, retired.keyId, 'retired') >= DESTROY_AFTER_MS;
    if (waited && !signal.aborted) await this.#destroy(tenant, retired.keyId);
  }

  async #destroy(tenant: string, keyId: number): Promise<void> {
    await this.#app.storage.keys.dataKeyDestroy(tenant, keyId, this.#app.clock.now());
    this.#app.log.info({ tenant, keyId }, 'A key that nothing needs any more was destroyed.');
  }

  /** Milliseconds since this process saw the key in this state first. */
  #seenFor(tenant: string, keyId: number, state: string): number {
    const name = nameOf(tenant, keyId, state);
    const now = this.#app.clock.now();
    const since = this.#seen.get(name) ?? now;
    this.#seen.set(name, since);
    return now - since;
  }
}

function nameOf(...parts: readonly (string | number)[]): string {
  return JSON.stringify(parts);
}
