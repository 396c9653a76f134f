import { systemClock } from './lib/clock.ts';
import { commandMasterKey } from './privacy/command-master-key.ts';
import { MasterKeyLease } from './privacy/master-key-lease.ts';
import { givenMasterKey, type MasterKeySource } from './privacy/master-key-source.ts';
import { type VaultTransitSettings, vaultTransitMasterKey } from './privacy/vault-transit-master-key.ts';

/** Where a master key comes from. */
export type MasterKeyOrigin =
  | { readonly kind: 'given'; readonly key: Uint8Array }
  | { readonly kind: 'command'; readonly command: readonly [string, ...string[]] }
  | ({ readonly kind: 'vault' } & VaultTransitSettings);

/** The key that wraps, and while it is being exchanged another that opens. */
export type MasterKeyOrigins = readonly [MasterKeyOrigin, ...MasterKeyOrigin[]];

/** @throws MasterKeyUnavailable with what to do */
export function takeMasterKeys(
  [first, ...others]: MasterKeyOrigins,
  onTrouble?: (error: unknown) => void,
): Promise<MasterKeyLease> {
  return MasterKeyLease.take([sourceOf(first), ...others.map(sourceOf)], systemClock, onTrouble);
}

function sourceOf(origin: MasterKeyOrigin): MasterKeySource {
  if (origin.kind === 'given') return givenMasterKey(origin.key);
  return origin.kind === 'command' ? commandMasterKey(origin.command) : vaultTransitMasterKey(origin);
}
