import { useMutation } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import type { AppOrderView, Role } from '../../server/api-types.ts';
import { completeOrder } from '../api/actions.ts';
import { Icon } from '../parts/icons.tsx';
import { Avatar, VirtualNumber } from '../parts/person.tsx';
import styles from './order-app.module.css';

interface OrderCardProps {
  readonly order: AppOrderView;
  readonly viewer: Role;
  readonly isHighlighted: boolean;
  readonly onCall: (virtualNumber: string) => void;
  readonly onText: (virtualNumber: string) => void;
}

const STAGES = ['Placed', 'On its way', 'Delivered'] as const;

/** One order in the app: how far it is, and how to reach the other party. */
export function OrderCard({ order, viewer, isHighlighted, onCall, onText }: OrderCardProps): ReactElement {
  const { contact, label, item } = order;
  return (
    <article
      className={styles.card}
      aria-label={`Order ${label}`}
      data-highlighted={isHighlighted || undefined}
      data-testid="order-card"
      data-order={order.orderId}
    >
      <div className={styles.cardHead}>
        <p className={styles.item}>{item}</p>
        <span className={styles.label}>{label}</span>
      </div>
      <Stages order={order} />
      {contact.name === null ? (
        <p className={styles.waiting}>Looking for a driver…</p>
      ) : (
        <div className={styles.contact}>
          <Avatar name={contact.name} role={contact.role} size={38} />
          <div className={styles.contactText}>
            <p className={styles.contactName}>{contact.name}</p>
            {contact.virtualNumber === null ? (
              <p className={styles.contactRole}>{noNumberText(order)}</p>
            ) : (
              <VirtualNumber shownNumber={contact.virtualNumber} standsFor={contact.role} />
            )}
          </div>
        </div>
      )}
      {contact.virtualNumber !== null && (
        <ReachButtons
          name={contact.name ?? contact.role}
          virtualNumber={contact.virtualNumber}
          onCall={onCall}
          onText={onText}
        />
      )}
      {viewer === 'driver' && order.status === 'assigned' && <DeliveredButton orderId={order.orderId} />}
    </article>
  );
}

function noNumberText({ masking, contact }: AppOrderView): string {
  if (masking === 'pending') return 'Getting a private number…';
  return `Your ${contact.role}`;
}

function Stages({ order }: { readonly order: AppOrderView }): ReactElement {
  const reached = order.status === 'completed' ? 2 : order.status === 'assigned' ? 1 : 0;
  return (
    <div className={styles.stages} role="img" aria-label={`Stage: ${STAGES[reached] ?? ''}`}>
      {STAGES.map((stage, i) => (
        <span key={stage} data-reached={i <= reached || undefined}>
          {stage}
        </span>
      ))}
    </div>
  );
}

interface ReachButtonsProps {
  readonly name: string;
  readonly virtualNumber: string;
  readonly onCall: (virtualNumber: string) => void;
  readonly onText: (virtualNumber: string) => void;
}

function ReachButtons({ name, virtualNumber, onCall, onText }: ReachButtonsProps): ReactElement {
  return (
    <div className={styles.reach}>
      <button
        type="button"
        className={styles.reachButton}
        data-tone="call"
        aria-label={`Call ${name}`}
        onClick={() => onCall(virtualNumber)}
      >
        <Icon name="phone" size={17} />
        Call
      </button>
      <button
        type="button"
        className={styles.reachButton}
        aria-label={`Text ${name}`}
        onClick={() => onText(virtualNumber)}
      >
        <Icon name="message" size={17} />
        Text
      </button>
    </div>
  );
}

function DeliveredButton({ orderId }: { readonly orderId: string }): ReactElement {
  const complete = useMutation({ mutationFn: () => completeOrder(orderId) });
  return (
    <>
      <button
        type="button"
        className={styles.delivered}
        disabled={complete.isPending}
        onClick={() => complete.mutate()}
      >
        <Icon name="check" size={16} />
        Mark as delivered
      </button>
      {complete.error && (
        <p className={styles.problem} role="alert">
          {complete.error.message}
        </p>
      )}
    </>
  );
}
