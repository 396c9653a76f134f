import type { DeliveryContext } from './delivery-context.ts';
import { inTransaction } from './store/database.ts';
import type { Profile } from './store/profile-store.ts';

/**
 * The people whom a new delivery company starts with, so that the board can be tried at once. Their numbers are
 * of the range that North America keeps for fiction (555-0100 to 555-0199).
 */
const FIRST_PEOPLE: readonly Profile[] = [
  { userId: 'ana', role: 'customer', name: 'Ana Lima', realNumber: '+12125550141' },
  { userId: 'noah', role: 'customer', name: 'Noah Berg', realNumber: '+12125550152' },
  { userId: 'priya', role: 'customer', name: 'Priya Nair', realNumber: '+12125550163' },
  { userId: 'omar', role: 'customer', name: 'Omar Haddad', realNumber: '+12125550174' },
  { userId: 'dario', role: 'driver', name: 'Dario Costa', realNumber: '+16465550118' },
  { userId: 'mei', role: 'driver', name: 'Mei Tan', realNumber: '+16465550129' },
  { userId: 'sam', role: 'driver', name: 'Sam Okafor', realNumber: '+16465550130' },
];

/** On the first start only: afterwards the Profile store is whatever people made of it. */
export function seedProfiles({ stores, clock }: DeliveryContext): void {
  inTransaction(stores.database, () => {
    if (!stores.profiles.isEmpty()) return;
    for (const profile of FIRST_PEOPLE) stores.profiles.save(profile, clock.now());
  });
}
