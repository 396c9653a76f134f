import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { appQuery } from '../api/queries.ts';
import { DeviceFrame, StandaloneDevice } from '../parts/device-frame.tsx';
import { Icon } from '../parts/icons.tsx';
import { LivePage } from '../parts/live-page.tsx';
import { Handset } from './handset.tsx';
import styles from './handset-page.module.css';

/** The handset as a page of its own, with the way back to its owner's app. */
export function HandsetPage({ userId }: { readonly userId: string }): ReactElement {
  const profile = useQuery(appQuery(userId)).data?.profile;
  return (
    <LivePage title={profile ? `${profile.name}’s phone` : 'Phone'} phones={profile ? [userId] : []}>
      <StandaloneDevice links={<Link to="/">Dispatcher’s board</Link>}>
        <DeviceFrame label={`Phone of ${profile?.name ?? userId}`} testId={`handset-${userId}`}>
          {profile && (
            <Link
              className={styles.back}
              to={profile.role === 'customer' ? '/customer/$userId' : '/driver/$userId'}
              params={{ userId }}
            >
              <Icon name="back" size={15} />
              {profile.name}’s app
            </Link>
          )}
          <Handset userId={userId} />
        </DeviceFrame>
      </StandaloneDevice>
    </LivePage>
  );
}
