import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import type { OrderView, ProfileView, Role } from '../../server/api-types.ts';
import { ordersQuery, profilesQuery } from '../api/queries.ts';
import { isAway } from '../parts/is-away.ts';
import { LivePage } from '../parts/live-page.tsx';
import { ServiceBanner } from '../parts/service-banner.tsx';
import { ActivityFeed } from './activity-feed.tsx';
import { BoardHeader } from './board-header.tsx';
import styles from './board-page.module.css';
import { BreakIn } from './break-in.tsx';
import { CallRecords } from './call-records.tsx';
import { Devices } from './devices.tsx';
import { Guide } from './guide.tsx';
import { MaskStrip } from './mask-strip.tsx';
import { OrderBar } from './order-bar.tsx';
import { OrderList } from './order-list.tsx';
import { PlaceOrder } from './place-order.tsx';
import { StockGauge } from './stock-gauge.tsx';

const route = getRouteApi('/');

/** The two people whom the stage shows: those of the order in view, else those who were chosen for the next. */
export interface Cast {
  readonly order: OrderView | null;
  readonly customer: ProfileView;
  readonly driver: ProfileView;
}

/** The dispatcher's board: orders on the left, and on the right the four phones of the one in view. */
export function BoardPage(): ReactElement {
  const { order: wanted } = route.useSearch();
  const navigate = route.useNavigate();
  const orders = useQuery(ordersQuery);
  const profiles = useQuery(profilesQuery);
  const [chosen, setChosen] = useState<Partial<Record<Role, string>>>({});

  const list = orders.data?.data ?? [];
  const order = list.find(({ orderId }) => orderId === wanted) ?? list.find(isUnderWay) ?? null;
  const people = profiles.data?.data ?? [];
  const customer = findPerson(people, 'customer', order?.customer.userId ?? chosen.customer);
  const driver = findPerson(people, 'driver', order?.driver?.userId ?? chosen.driver);
  const select = (orderId: string): void => void navigate({ search: { order: orderId }, replace: true });

  return (
    <LivePage
      title="Dispatch · Corner Courier"
      phones={customer && driver ? [customer.userId, driver.userId] : []}
    >
      <div className={styles.page}>
        <BoardHeader />
        {isAway(orders) && <ServiceBanner rounded>Waiting for the orders…</ServiceBanner>}
        {customer && driver && (
          <Guide cast={{ order, customer, driver }} chosenCustomer={chosen.customer} onPlaced={select} />
        )}
        <div className={styles.columns}>
          <aside className={styles.side} aria-label="Dispatch">
            <PlaceOrder
              people={people}
              chosen={chosen.customer}
              onChoose={(userId) => setChosen({ ...chosen, customer: userId })}
              onPlaced={select}
            />
            <OrderList
              orders={list}
              isLoaded={orders.isSuccess}
              selected={order?.orderId}
              onSelect={select}
            />
            <StockGauge />
            <ActivityFeed />
          </aside>
          <main className={styles.stage}>
            {customer && driver && (
              <>
                <OrderBar
                  cast={{ order, customer, driver }}
                  people={people}
                  chosenDriver={chosen.driver}
                  onChooseDriver={(userId) => setChosen({ ...chosen, driver: userId })}
                />
                <MaskStrip cast={{ order, customer, driver }} />
                <Devices cast={{ order, customer, driver }} />
              </>
            )}
            {order && <BreakIn key={order.orderId} order={order} people={people} />}
            {order && <CallRecords order={order} />}
          </main>
        </div>
      </div>
    </LivePage>
  );
}

function isUnderWay({ status }: OrderView): boolean {
  return status === 'placed' || status === 'assigned';
}

function findPerson(
  people: readonly ProfileView[],
  role: Role,
  userId: string | undefined,
): ProfileView | undefined {
  const candidates = people.filter((person) => person.role === role);
  return candidates.find((person) => person.userId === userId) ?? candidates[0];
}
