import { Button, NativeSelect } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import type { OrderView, ProfileView } from '../../server/api-types.ts';
import { assignDriver, cancelOrder, completeOrder } from '../api/actions.ts';
import type { Cast } from './board-page.tsx';
import { OrderState } from './order-list.tsx';
import styles from './panels.module.css';

interface OrderBarProps {
  readonly cast: Cast;
  readonly people: readonly ProfileView[];
  readonly chosenDriver: string | undefined;
  readonly onChooseDriver: (userId: string) => void;
}

/** The order in view, and what the dispatcher can do with it. */
export function OrderBar(props: OrderBarProps): ReactElement {
  const { order, customer, driver } = props.cast;
  if (order === null)
    return (
      <div className={styles.bar}>
        <div className={styles.barTitle}>
          <h2>
            {customer.name} and {driver.name}
          </h2>
          <p>Two people who do not know each other. An order brings them together.</p>
        </div>
      </div>
    );
  return <BarOfOrder {...props} order={order} />;
}

function BarOfOrder({ order, ...props }: OrderBarProps & { readonly order: OrderView }): ReactElement {
  const act = useMutation({ mutationFn: (action: () => Promise<unknown>) => action() });
  const isOver = order.status === 'completed' || order.status === 'cancelled';
  return (
    <div className={styles.bar}>
      <div className={styles.barTitle}>
        <h2>
          <span className={styles.barLabel}>{order.label}</span> {order.item}
        </h2>
        <p>
          <OrderState order={order} /> {barSentence(order)}
        </p>
        {act.error && (
          <p className={styles.problem} role="alert">
            {act.error.message}
          </p>
        )}
      </div>
      {!isOver && (
        <div className={styles.inline}>
          <AssignForm {...props} order={order} isBusy={act.isPending} onAct={act.mutate} />
          <Button
            variant="default"
            disabled={act.isPending || order.status !== 'assigned'}
            onClick={() => act.mutate(() => completeOrder(order.orderId))}
          >
            Complete
          </Button>
          <Button
            variant="default"
            c="var(--danger)"
            disabled={act.isPending}
            onClick={() => act.mutate(() => cancelOrder(order.orderId))}
          >
            Cancel
          </Button>
        </div>
      )}
    </div>
  );
}

function barSentence(order: OrderView): string {
  if (order.status === 'completed') return 'Its numbers rest before they serve anybody else.';
  if (order.status === 'cancelled') return 'Its numbers stopped connecting at once.';
  if (order.driver === null) return `for ${order.customer.name}`;
  return `${order.driver.name} for ${order.customer.name}`;
}

interface AssignFormProps extends Omit<OrderBarProps, 'cast'> {
  readonly order: OrderView;
  readonly isBusy: boolean;
  readonly onAct: (action: () => Promise<unknown>) => void;
}

function AssignForm({
  order,
  people,
  chosenDriver,
  onChooseDriver,
  isBusy,
  onAct,
}: AssignFormProps): ReactElement {
  const drivers = people.filter(({ role }) => role === 'driver');
  const current = order.driver?.userId;
  const driverId = chosenDriver ?? current ?? drivers[0]?.userId ?? '';
  return (
    <>
      <NativeSelect
        aria-label="Driver"
        data={drivers.map(({ userId, name }) => ({ value: userId, label: name }))}
        value={driverId}
        onChange={(event) => onChooseDriver(event.currentTarget.value)}
      />
      <Button
        data-testid="assign-driver"
        variant={current === undefined ? 'filled' : 'default'}
        disabled={isBusy || driverId === '' || driverId === current}
        onClick={() => onAct(() => assignDriver(order.orderId, driverId))}
      >
        {current === undefined ? 'Assign' : 'Change driver'}
      </Button>
    </>
  );
}
