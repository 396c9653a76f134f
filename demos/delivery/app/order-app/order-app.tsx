import { useMutation, useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import type { AppOrderView, AppView } from '../../server/api-types.ts';
import { placeOrder } from '../api/actions.ts';
import { appQuery } from '../api/queries.ts';
import { ApiError } from '../api/request.ts';
import { firstNameOf } from '../parts/format.ts';
import { LogoMark } from '../parts/icons.tsx';
import { isAway } from '../parts/is-away.ts';
import { ServiceBanner } from '../parts/service-banner.tsx';
import styles from './order-app.module.css';
import { OrderCard } from './order-card.tsx';

export interface OrderAppProps {
  readonly userId: string;
  /** what the phone does when the app asks it to: every number that an app shows leads there */
  readonly onCall: (virtualNumber: string) => void;
  readonly onText: (virtualNumber: string) => void;
  /** the order that the page is about; marked among several */
  readonly highlighted?: string | null;
}

const ENDED_SHOWN = 4;

/** The company's app on the phone of a customer or a driver. */
export function OrderApp(props: OrderAppProps): ReactElement {
  const query = useQuery(appQuery(props.userId));
  const { data, error } = query;
  return (
    <div className={styles.app}>
      {isAway(query) && <ServiceBanner>Connecting to Corner Courier…</ServiceBanner>}
      {data ? (
        <AppContent {...props} app={data} />
      ) : (
        <p className={styles.hint}>
          {error instanceof ApiError && error.status === 404
            ? 'Nobody by that name uses this app.'
            : 'Loading your orders…'}
        </p>
      )}
    </div>
  );
}

function AppContent({ app, ...props }: OrderAppProps & { readonly app: AppView }): ReactElement {
  const { profile, orders } = app;
  const isCustomer = profile.role === 'customer';
  const underWay = orders.filter(isUnderWay);
  const ended = orders.filter((order) => !isUnderWay(order)).slice(0, ENDED_SHOWN);
  return (
    <>
      <header className={styles.header} data-role={profile.role}>
        <LogoMark size={26} />
        <div>
          <p className={styles.brand}>Corner Courier{isCustomer ? '' : ' Driver'}</p>
          <p className={styles.greeting}>
            {isCustomer ? `Hi ${firstNameOf(profile.name)}` : `${firstNameOf(profile.name)}, on duty`}
          </p>
        </div>
      </header>
      <div className={styles.scroll}>
        {underWay.length === 0 && <EmptyApp isCustomer={isCustomer} />}
        {underWay.map((order) => (
          <OrderCard
            key={order.orderId}
            order={order}
            viewer={profile.role}
            isHighlighted={order.orderId === props.highlighted && underWay.length > 1}
            onCall={props.onCall}
            onText={props.onText}
          />
        ))}
        {isCustomer && <PlaceOrderButton userId={profile.userId} />}
        {ended.length > 0 && <EndedOrders orders={ended} />}
      </div>
    </>
  );
}

function isUnderWay(order: AppOrderView): boolean {
  // A completed order stays a card for as long as its numbers connect: the pool's grace.
  return order.status === 'placed' || order.status === 'assigned' || order.contact.virtualNumber !== null;
}

function EmptyApp({ isCustomer }: { readonly isCustomer: boolean }): ReactElement {
  return (
    <p className={styles.hint}>
      {isCustomer
        ? 'Hungry? Your order will appear here.'
        : 'No deliveries yet. The dispatcher will find you.'}
    </p>
  );
}

function PlaceOrderButton({ userId }: { readonly userId: string }): ReactElement {
  const place = useMutation({ mutationFn: () => placeOrder(userId) });
  return (
    <>
      <button
        type="button"
        className={styles.place}
        disabled={place.isPending}
        onClick={() => place.mutate()}
      >
        Order something
      </button>
      {place.error && (
        <p className={styles.problem} role="alert">
          {place.error.message}
        </p>
      )}
    </>
  );
}

function EndedOrders({ orders }: { readonly orders: readonly AppOrderView[] }): ReactElement {
  return (
    <section className={styles.ended} aria-label="Past orders">
      <h3>Past orders</h3>
      <ul>
        {orders.map(({ orderId, label, item, status }) => (
          <li key={orderId}>
            <span>{item}</span>
            <span>
              {label} · {status === 'completed' ? 'delivered' : 'cancelled'}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
