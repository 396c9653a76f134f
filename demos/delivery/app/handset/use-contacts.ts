import { useQuery } from '@tanstack/react-query';
import type { HandsetContact } from '../../server/api-types.ts';
import { appQuery } from '../api/queries.ts';

/** Who stands behind a number, as the owner's app has saved it for the orders under way. */
export function useContacts(userId: string): (shownNumber: string) => HandsetContact | null {
  const { data } = useQuery(appQuery(userId));
  return (shownNumber) => {
    for (const { orderId, label, contact } of data?.orders ?? []) {
      if (contact.virtualNumber === shownNumber && contact.name !== null)
        return { name: contact.name, role: contact.role, orderId, label };
    }
    return null;
  };
}
