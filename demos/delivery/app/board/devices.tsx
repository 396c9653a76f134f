import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { ProfileView } from '../../server/api-types.ts';
import { Handset } from '../handset/handset.tsx';
import { useHandsetDesk } from '../handset/handset-desk.ts';
import { OrderApp } from '../order-app/order-app.tsx';
import { DeviceFrame } from '../parts/device-frame.tsx';
import { firstNameOf } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import type { Cast } from './board-page.tsx';
import styles from './devices.module.css';

/** The four screens of an order, side by side: each party's app and each party's phone. */
export function Devices({ cast }: { readonly cast: Cast }): ReactElement {
  const highlighted = cast.order?.orderId ?? null;
  return (
    <div className={styles.devices}>
      <AppDevice person={cast.customer} highlighted={highlighted} />
      <PhoneDevice person={cast.customer} />
      <AppDevice person={cast.driver} highlighted={highlighted} />
      <PhoneDevice person={cast.driver} />
    </div>
  );
}

interface AppDeviceProps {
  readonly person: ProfileView;
  readonly highlighted: string | null;
}

function AppDevice({ person, highlighted }: AppDeviceProps): ReactElement {
  const desk = useHandsetDesk();
  const { userId, role } = person;
  const first = firstNameOf(person.name);
  return (
    <DeviceFrame
      key={userId}
      label={`App of ${person.name}`}
      testId={`app-${userId}`}
      caption={
        <>
          <b>{first}’s app</b>
          <Link
            to={role === 'customer' ? '/customer/$userId' : '/driver/$userId'}
            params={{ userId }}
            target="_blank"
          >
            <Icon name="open" size={13} />
            <span>
              open<span className="visually-hidden"> {first}’s app</span>
            </span>
          </Link>
        </>
      }
    >
      <OrderApp
        userId={userId}
        highlighted={highlighted}
        onCall={(virtualNumber) => void desk.dial(userId, virtualNumber)}
        onText={(virtualNumber) => desk.show(userId, { tab: 'messages', thread: virtualNumber })}
      />
    </DeviceFrame>
  );
}

function PhoneDevice({ person }: { readonly person: ProfileView }): ReactElement {
  const { userId } = person;
  const first = firstNameOf(person.name);
  return (
    <DeviceFrame
      key={userId}
      label={`Phone of ${person.name}`}
      testId={`handset-${userId}`}
      caption={
        <>
          <b>{first}’s phone</b>
          <Link to="/phone/$userId" params={{ userId }} target="_blank">
            <Icon name="open" size={13} />
            <span>
              open<span className="visually-hidden"> {first}’s phone</span>
            </span>
          </Link>
        </>
      }
    >
      <Handset key={userId} userId={userId} />
    </DeviceFrame>
  );
}
