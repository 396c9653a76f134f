import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { CallerKey, Place } from '../privacy/vault.ts';

/** Where the destination of a route is sealed: no other row opens it. */
export function routePlace(virtualNumber: VirtualNumber, callerKey: CallerKey): Place {
  return { table: 'route', row: `${virtualNumber}|${Buffer.from(callerKey).toString('hex')}` };
}
