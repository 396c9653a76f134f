import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { activityQuery } from '../api/queries.ts';
import { formatTime } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { useNow } from '../parts/use-now.ts';
import { activityText } from './activity-text.ts';
import styles from './panels.module.css';

const LINES_SHOWN = 30;

/** What Maskline announces about calls and texts, as it happens. */
export function ActivityFeed(): ReactElement {
  const { data } = useQuery(activityQuery);
  const now = useNow(60_000);
  return (
    <section className={styles.panel}>
      <h2 className={styles.title}>Live</h2>
      {data?.data.length === 0 && <p className={styles.hint}>Calls and texts show up here as they happen.</p>}
      <ul className={styles.feed} data-testid="activity" aria-live="polite" aria-relevant="additions">
        {data?.data.slice(0, LINES_SHOWN).map((activity) => {
          const { icon, text, isRefusal } = activityText(activity);
          return (
            <li key={activity.eventId} className={styles.line} data-type={activity.type}>
              <span className={styles.lineIcon} data-tone={isRefusal ? 'refusal' : undefined}>
                <Icon name={icon} size={14} />
              </span>
              <span className={styles.lineText}>{text}</span>
              <span className={styles.lineNote}>
                {activity.label} {formatTime(activity.at, now)}
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
