import { ActionIcon, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import type { ReactElement } from 'react';
import { Icon, LogoMark } from '../parts/icons.tsx';
import styles from './board-page.module.css';

export function BoardHeader(): ReactElement {
  return (
    <header className={styles.header}>
      <LogoMark size={34} />
      <div className={styles.brand}>
        <p className={styles.brandName}>Corner Courier</p>
        <p className={styles.brandText}>Dispatch</p>
      </div>
      <p className={styles.pitch}>
        <strong>They talk, and neither learns the other’s number.</strong> For each order Maskline lends both
        sides a virtual number; calls and texts pass through it, and it leads nowhere once the order is over.
      </p>
      <SchemeToggle />
    </header>
  );
}

function SchemeToggle(): ReactElement {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const next = scheme === 'light' ? 'dark' : 'light';
  return (
    <ActionIcon
      variant="default"
      size="lg"
      aria-label={`Use ${next} colours`}
      onClick={() => setColorScheme(next)}
    >
      <Icon name={scheme === 'light' ? 'moon' : 'sun'} size={18} />
    </ActionIcon>
  );
}
