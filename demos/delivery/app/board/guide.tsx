import { Button } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { answerCall, assignDriver, completeOrder, hangUpCall, placeOrder } from '../api/actions.ts';
import { phoneQuery } from '../api/queries.ts';
import { useHandsetDesk } from '../handset/handset-desk.ts';
import { Icon } from '../parts/icons.tsx';
import type { Cast } from './board-page.tsx';
import styles from './guide.module.css';
import { GUIDE_TITLES, type GuideAction, guideStep } from './guide-step.ts';

interface GuideProps {
  readonly cast: Cast;
  readonly chosenCustomer: string | undefined;
  readonly onPlaced: (orderId: string) => void;
}

/** The whole story in six clicks: always the next step, with a button that takes it. */
export function Guide({ cast, chosenCustomer, onPlaced }: GuideProps): ReactElement {
  const desk = useHandsetDesk();
  const phone = useQuery(phoneQuery(cast.customer.userId));
  const { step, sentence, action, button } = guideStep({
    order: cast.order,
    customerName: cast.customer.name,
    driverName: cast.driver.name,
    customerPhone: phone.data ?? null,
  });

  const act = useMutation({
    mutationFn: async (next: GuideAction): Promise<void> => {
      switch (next.kind) {
        case 'place': {
          const { orderId } = await placeOrder(chosenCustomer ?? cast.customer.userId);
          desk.show(cast.customer.userId, { announcement: null });
          return onPlaced(orderId);
        }
        case 'assign':
          if (cast.order) await assignDriver(cast.order.orderId, cast.driver.userId);
          return;
        case 'call':
          return desk.dial(next.userId, next.to);
        case 'answer':
          return answerCall(next.userId, next.callId);
        case 'hang_up':
          return hangUpCall(next.userId, next.callId);
        case 'complete':
          await completeOrder(next.orderId);
      }
    },
  });

  return (
    <section
      className={styles.guide}
      aria-label="Try it in thirty seconds"
      data-testid="guide"
      data-step={step}
    >
      <ol className={styles.steps}>
        {GUIDE_TITLES.map((title, i) => (
          <li
            key={title}
            className={styles.step}
            data-state={i < step ? 'done' : i === step ? 'now' : 'ahead'}
            aria-current={i === step ? 'step' : undefined}
          >
            <span className={styles.stepMark}>{i < step ? <Icon name="check" size={13} /> : i + 1}</span>
            {title}
          </li>
        ))}
      </ol>
      <div className={styles.next}>
        <p className={styles.sentence} aria-live="polite">
          {act.error ? act.error.message : sentence}
        </p>
        <Button
          data-testid="guide-action"
          radius="xl"
          disabled={action === null}
          loading={act.isPending}
          onClick={() => action && act.mutate(action)}
        >
          {button}
        </Button>
      </div>
    </section>
  );
}
