import { type ReactElement, type ReactNode, useEffect, useState } from 'react';
import { type Connection, useLiveUpdates } from '../api/use-live-updates.ts';
import styles from './live-page.module.css';
import { ServiceBanner } from './service-banner.tsx';

interface LivePageProps {
  /** of the window */
  readonly title: string;
  /** users whose phones the page shows */
  readonly phones: readonly string[];
  readonly children: ReactNode;
}

/** A restart takes about a second, and needs no word. */
const PATIENCE_MS = 1_500;

/** A page that follows what happens, and says so when it cannot. */
export function LivePage({ title, phones, children }: LivePageProps): ReactElement {
  const connection = useLiveUpdates(phones);
  const isAway = useIsAwayForLong(connection);
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <>
      <h1 className="visually-hidden">{title}</h1>
      {isAway && (
        <div className={styles.away}>
          <ServiceBanner rounded>
            The delivery company does not answer. This page goes on by itself as soon as it does.
          </ServiceBanner>
        </div>
      )}
      {children}
    </>
  );
}

function useIsAwayForLong(connection: Connection): boolean {
  const [isAway, setIsAway] = useState(false);
  useEffect(() => {
    if (connection !== 'away') return setIsAway(false);
    const timer = setTimeout(() => setIsAway(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [connection]);
  return isAway;
}
