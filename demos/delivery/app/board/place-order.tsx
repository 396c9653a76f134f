import { Button, NativeSelect } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import type { ProfileView } from '../../server/api-types.ts';
import { placeOrder } from '../api/actions.ts';
import styles from './panels.module.css';

interface PlaceOrderProps {
  readonly people: readonly ProfileView[];
  readonly chosen: string | undefined;
  readonly onChoose: (userId: string) => void;
  readonly onPlaced: (orderId: string) => void;
}

export function PlaceOrder({ people, chosen, onChoose, onPlaced }: PlaceOrderProps): ReactElement {
  const customers = people.filter(({ role }) => role === 'customer');
  const customerId = chosen ?? customers[0]?.userId ?? '';
  const place = useMutation({
    mutationFn: () => placeOrder(customerId),
    onSuccess: ({ orderId }) => onPlaced(orderId),
  });
  return (
    <section className={styles.panel}>
      <h2 className={styles.title}>New order</h2>
      <div className={styles.inline}>
        <NativeSelect
          className={styles.grow}
          aria-label="Customer"
          data={customers.map(({ userId, name }) => ({ value: userId, label: name }))}
          value={customerId}
          onChange={(event) => onChoose(event.currentTarget.value)}
        />
        <Button
          data-testid="place-order"
          variant="light"
          disabled={customerId === ''}
          loading={place.isPending}
          onClick={() => place.mutate()}
        >
          Place order
        </Button>
      </div>
      {place.error && (
        <p className={styles.problem} role="alert">
          {place.error.message}
        </p>
      )}
    </section>
  );
}
