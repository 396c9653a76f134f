import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../../src/lib/clock.ts';
import type { Random } from '../../../src/lib/random.ts';
import type { ChangeNotices } from './change-notices.ts';
import { ActivityStore } from './store/activity-store.ts';
import { OrderStore } from './store/order-store.ts';
import { OutboxStore } from './store/outbox-store.ts';
import { ProfileStore } from './store/profile-store.ts';
import { SessionStore } from './store/session-store.ts';
import type { WakeUp } from './wake-up.ts';

export interface Stores {
  readonly database: DatabaseSync;
  readonly profiles: ProfileStore;
  readonly orders: OrderStore;
  readonly sessions: SessionStore;
  readonly activity: ActivityStore;
  readonly outbox: OutboxStore;
}

/** What every operation of the delivery company may reach. */
export interface DeliveryContext {
  readonly stores: Stores;
  readonly clock: Clock;
  readonly random: Random;
  /** the Maskline pool that orders draw their virtual numbers from */
  readonly pool: string;
  /** tells the publisher that the outbox has something */
  readonly outboxFilled: WakeUp;
  readonly notices: ChangeNotices;
}

export function openStores(database: DatabaseSync): Stores {
  return {
    database,
    profiles: new ProfileStore(database),
    orders: new OrderStore(database),
    sessions: new SessionStore(database),
    activity: new ActivityStore(database),
    outbox: new OutboxStore(database),
  };
}
