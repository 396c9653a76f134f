import type { ReactElement } from 'react';
import type { Role } from '../../server/api-types.ts';
import { formatNumber, initialsOf } from './format.ts';
import styles from './person.module.css';

type Tint = Role | 'unknown';

interface AvatarProps {
  readonly name: string | null;
  readonly role: Tint;
  /** diameter in pixels */
  readonly size?: number;
}

export function Avatar({ name, role, size = 36 }: AvatarProps): ReactElement {
  return (
    <span
      className={`${styles.avatar} ${styles[role]}`}
      style={{ width: size, height: size, fontSize: size * 0.38 }}
      aria-hidden="true"
    >
      {name === null ? '?' : initialsOf(name)}
    </span>
  );
}

interface VirtualNumberProps {
  readonly shownNumber: string;
  /** for whom the number stands; that is its colour */
  readonly standsFor: Tint;
  readonly plain?: boolean;
}

export function VirtualNumber({ shownNumber, standsFor, plain = false }: VirtualNumberProps): ReactElement {
  return (
    <span
      className={`${styles.number} ${styles[standsFor]} ${plain ? styles.plain : ''}`}
      data-testid="virtual-number"
      data-number={shownNumber}
    >
      {formatNumber(shownNumber)}
    </span>
  );
}
