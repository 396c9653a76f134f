import type { ReactElement } from 'react';
import type { Masking, OrderStatus, OrderView } from '../../server/api-types.ts';
import styles from './panels.module.css';

interface OrderListProps {
  readonly orders: readonly OrderView[];
  readonly isLoaded: boolean;
  readonly selected: string | undefined;
  readonly onSelect: (orderId: string) => void;
}

export function OrderList({ orders, isLoaded, selected, onSelect }: OrderListProps): ReactElement {
  return (
    <section className={styles.panel}>
      <h2 className={styles.title}>Orders</h2>
      {isLoaded && orders.length === 0 && <p className={styles.hint}>None yet. Place the first one above.</p>}
      <ul className={styles.orders} data-testid="orders">
        {orders.map((order) => (
          <li key={order.orderId}>
            <button
              type="button"
              className={styles.order}
              aria-pressed={order.orderId === selected}
              data-testid="order-row"
              data-order={order.orderId}
              onClick={() => onSelect(order.orderId)}
            >
              <span className={styles.orderHead}>
                <b>{order.label}</b>
                <span className={styles.orderItem}>{order.item}</span>
              </span>
              <span className={styles.orderFoot}>
                <span>
                  {order.customer.name} → {order.driver?.name ?? 'no driver yet'}
                </span>
                <OrderState order={order} />
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

const STATUS_TEXTS: Readonly<Record<OrderStatus, string>> = {
  placed: 'placed',
  assigned: 'assigned',
  completed: 'completed',
  cancelled: 'cancelled',
};

const MASKING_TEXTS: Readonly<Record<Masking, string>> = {
  none: '',
  pending: 'waiting for numbers',
  open: 'masked',
  closed: 'numbers released',
};

/** How far the order is, and next to it how far Maskline is with it. */
export function OrderState({ order }: { readonly order: OrderView }): ReactElement {
  const { status, masking } = order;
  const isOver = status === 'completed' || status === 'cancelled';
  const text = !isOver && masking !== 'none' ? MASKING_TEXTS[masking] : STATUS_TEXTS[status];
  const tone = isOver ? 'over' : masking;
  return (
    <span
      className={styles.state}
      data-tone={tone}
      data-testid="order-state"
      data-status={status}
      data-masking={masking}
    >
      {text}
    </span>
  );
}
