import type { RoutePair } from '../domain/route.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { PhoneNumber } from '../privacy/phone-number.ts';
import type { CallerKey, IndexedCallerKey, Place, TenantKeys } from '../privacy/vault.ts';

/** Where the destination of a route is sealed: no other row opens it. */
export function routePlace(virtualNumber: VirtualNumber, callerKey: CallerKey): Place {
  return { table: 'route', row: `${virtualNumber}|${Buffer.from(callerKey).toString('hex')}` };
}

/** Each pair under each caller key that routes are written under: two while the index key is being exchanged. */
export function withCallerKeys<P extends { readonly realNumber: PhoneNumber }>(
  keys: TenantKeys,
  pairs: readonly RoutePair<P>[],
): (RoutePair<P> & IndexedCallerKey)[] {
  return pairs.flatMap((pair) =>
    keys.callerKeys(pair.calling.realNumber).map((callerKey) => ({ ...pair, ...callerKey })),
  );
}
