import type { ReactElement, ReactNode } from 'react';
import styles from './service-banner.module.css';

interface ServiceBannerProps {
  readonly children: ReactNode;
  readonly rounded?: boolean;
}

/** Something is away and is being asked again; nothing that the reader must do. */
export function ServiceBanner({ children, rounded = false }: ServiceBannerProps): ReactElement {
  return (
    <div
      className={`${styles.banner} ${rounded ? styles.rounded : ''}`}
      role="status"
      data-testid="service-banner"
    >
      <span className={styles.pulse} aria-hidden="true" />
      <span>{children}</span>
    </div>
  );
}
