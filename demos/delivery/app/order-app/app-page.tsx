import { Link, useNavigate } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { Role } from '../../server/api-types.ts';
import { useHandsetDesk } from '../handset/handset-desk.ts';
import { DeviceFrame, StandaloneDevice } from '../parts/device-frame.tsx';
import { LivePage } from '../parts/live-page.tsx';
import { OrderApp } from './order-app.tsx';

interface AppPageProps {
  readonly userId: string;
  readonly app: Role;
}

/** The app as a page of its own. Calling and texting hand over to the phone, as `tel:` and `sms:` would. */
export function AppPage({ userId, app }: AppPageProps): ReactElement {
  const desk = useHandsetDesk();
  const navigate = useNavigate();
  const openPhone = (): void => void navigate({ to: '/phone/$userId', params: { userId } });
  return (
    <LivePage title={app === 'customer' ? 'Corner Courier' : 'Corner Courier Driver'} phones={[]}>
      <StandaloneDevice
        links={
          <>
            <Link to="/phone/$userId" params={{ userId }}>
              The phone beside it
            </Link>
            <Link to="/">Dispatcher’s board</Link>
          </>
        }
      >
        <DeviceFrame label={`App of ${userId}`} testId={`app-${userId}`}>
          <OrderApp
            userId={userId}
            onCall={(virtualNumber) => {
              void desk.dial(userId, virtualNumber);
              openPhone();
            }}
            onText={(virtualNumber) => {
              desk.show(userId, { tab: 'messages', thread: virtualNumber });
              openPhone();
            }}
          />
        </DeviceFrame>
      </StandaloneDevice>
    </LivePage>
  );
}
