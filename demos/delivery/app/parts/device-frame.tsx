import type { ReactElement, ReactNode } from 'react';
import styles from './device-frame.module.css';
import { formatTime } from './format.ts';
import { useNow } from './use-now.ts';

interface DeviceFrameProps {
  /** whose it is, and what it shows: the accessible name of the region */
  readonly label: string;
  readonly caption?: ReactNode;
  readonly testId: string;
  readonly children: ReactNode;
}

const MINUTE_MS = 60_000;

/** A phone's body around a screen. */
export function DeviceFrame({ label, caption, testId, children }: DeviceFrameProps): ReactElement {
  const now = useNow(MINUTE_MS);
  return (
    <section className={styles.device} aria-label={label} data-testid={testId}>
      {caption && <div className={styles.caption}>{caption}</div>}
      <div className={styles.bezel}>
        <div className={styles.screen}>
          <div className={styles.statusBar} aria-hidden="true">
            <span>{formatTime(new Date(now).toISOString(), now)}</span>
            <span>Simulator</span>
          </div>
          <div className={styles.content}>{children}</div>
        </div>
      </div>
    </section>
  );
}

interface StandaloneDeviceProps {
  readonly children: ReactNode;
  /** where else to go; not shown on a real phone, whose screen the page fills */
  readonly links: ReactNode;
}

/** The frame as a page of its own; on a real phone the page is the screen. */
export function StandaloneDevice({ children, links }: StandaloneDeviceProps): ReactElement {
  return (
    <main className={styles.standalone}>
      {children}
      <nav className={styles.links} aria-label="Other pages">
        {links}
      </nav>
    </main>
  );
}
