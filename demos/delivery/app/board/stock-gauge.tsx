import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import type { StockView } from '../../server/api-types.ts';
import { stockQuery } from '../api/queries.ts';
import { isAway } from '../parts/is-away.ts';
import { ServiceBanner } from '../parts/service-banner.tsx';
import styles from './panels.module.css';

/** The virtual numbers that the company's pool holds, as Maskline tells it. */
export function StockGauge(): ReactElement {
  const query = useQuery(stockQuery);
  return (
    <section className={styles.panel} data-testid="stock">
      <h2 className={styles.title}>
        Virtual numbers
        {query.data && <span className={styles.titleNote}>{query.data.now.inService} in stock</span>}
      </h2>
      {isAway(query) && <ServiceBanner rounded>Maskline does not answer. Asking again…</ServiceBanner>}
      {query.data && <Gauge stock={query.data} />}
    </section>
  );
}

function Gauge({ stock }: { readonly stock: StockView }): ReactElement {
  const { now, lowWater, mode } = stock;
  const parts = [
    { name: 'in use', count: now.allocated, tone: 'allocated' },
    { name: 'resting', count: now.resting, tone: 'resting' },
    { name: 'idle', count: now.idle, tone: 'idle' },
  ] as const;
  const isLow = lowWater !== null && now.idle < lowWater;
  return (
    <>
      <div
        className={styles.gauge}
        role="img"
        aria-label={parts.map(({ name, count }) => `${count} ${name}`).join(', ')}
      >
        {parts.map(({ tone, count }) => (
          <span key={tone} data-tone={tone} style={{ flexGrow: count }} />
        ))}
      </div>
      <ul className={styles.legend}>
        {parts.map(({ name, count, tone }) => (
          <li key={tone} data-tone={tone} data-testid={`stock-${tone}`} data-count={count}>
            {count} {name}
          </li>
        ))}
      </ul>
      <p className={styles.hint}>
        {isLow ? 'Running low: Maskline is fetching more.' : `Pool “${stock.pool}”, ${mode} numbers.`}
      </p>
    </>
  );
}
