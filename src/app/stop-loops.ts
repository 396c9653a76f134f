import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { Instant } from '../lib/clock.ts';
import { PhoneNumber } from '../privacy/phone-number.ts';
import type { TenantKeys } from '../privacy/vault.ts';
import type { TenantStorage } from '../storage/storage.ts';

/** What `blocked_by` says of a route from or to a number that has become one of ours. */
const OWN_NUMBER = 'own_number';

/**
 * A number becomes ours that somebody has given as their own: a call to it, or from it, would come back to us and
 * circle. New sessions with it are refused; this stops those that are there.
 */
export async function stopLoops(
  storage: TenantStorage,
  keys: TenantKeys,
  virtualNumber: VirtualNumber,
  now: Instant,
): Promise<void> {
  const number = PhoneNumber.parse(virtualNumber);
  if (!number) return;
  const callerKeys = keys.callerKeys(number).map((key) => key.callerKey);
  await storage.blocks.stopPerson(OWN_NUMBER, { callerKeys, userId: null }, now);
}
