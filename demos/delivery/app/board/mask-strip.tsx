import type { ReactElement } from 'react';
import type { Masking, ProfileView } from '../../server/api-types.ts';
import { firstNameOf } from '../parts/format.ts';
import { Icon, LogoMark } from '../parts/icons.tsx';
import { Avatar, VirtualNumber } from '../parts/person.tsx';
import type { Cast } from './board-page.tsx';
import styles from './mask-strip.module.css';

const EMPTY_TEXTS: Readonly<Record<Masking, string>> = {
  none: 'no number yet',
  pending: 'on its way',
  open: 'no number yet',
  closed: 'released',
};

/** The idea in one line: whom each side is, and as what the other side sees them. */
export function MaskStrip({ cast }: { readonly cast: Cast }): ReactElement {
  const { order, customer, driver } = cast;
  const masking = order?.masking ?? 'none';
  return (
    <section
      className={styles.strip}
      data-masking={masking}
      aria-label="Who is seen as what"
      data-testid="mask-strip"
    >
      <Side
        person={customer}
        seenBy={firstNameOf(driver.name)}
        virtualNumber={order?.virtualNumbers.customer ?? null}
        emptyText={EMPTY_TEXTS[masking]}
      />
      <div className={styles.middle} aria-hidden="true">
        <LogoMark size={30} />
        <span>Maskline</span>
      </div>
      <Side
        person={driver}
        seenBy={firstNameOf(customer.name)}
        virtualNumber={order?.virtualNumbers.driver ?? null}
        emptyText={EMPTY_TEXTS[masking]}
      />
    </section>
  );
}

interface SideProps {
  readonly person: ProfileView;
  readonly seenBy: string;
  readonly virtualNumber: string | null;
  readonly emptyText: string;
}

function Side({ person, seenBy, virtualNumber, emptyText }: SideProps): ReactElement {
  return (
    <div className={styles.side} data-role={person.role}>
      <Avatar name={person.name} role={person.role} size={40} />
      <div>
        <p className={styles.name}>{person.name}</p>
        <p className={styles.real}>
          <span className={styles.realLabel}>own number </span>
          <span className={styles.realNumber}>{person.realNumber}</span>
        </p>
      </div>
      <div className={styles.arrow}>
        <span>{seenBy} sees</span>
        <Icon name="send" size={18} />
      </div>
      {virtualNumber === null ? (
        <span className={styles.empty}>{emptyText}</span>
      ) : (
        <span className={styles.virtual} data-testid={`number-of-${person.role}`}>
          <VirtualNumber shownNumber={virtualNumber} standsFor={person.role} />
        </span>
      )}
    </div>
  );
}
