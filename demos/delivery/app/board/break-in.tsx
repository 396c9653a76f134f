import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import type { OrderView, ProfileView } from '../../server/api-types.ts';
import { type DialAnswer, dial, hangUpCall } from '../api/actions.ts';
import { firstNameOf, formatNumber } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import styles from './panels.module.css';

interface BreakInProps {
  readonly order: OrderView;
  readonly people: readonly ProfileView[];
}

interface Attempt {
  readonly userId: string;
  readonly to: string;
}

/** Lets somebody who has no part in the order dial its numbers, and shows what they get to hear. */
export function BreakIn({ order, people }: BreakInProps): ReactElement | null {
  const attempt = useMutation({ mutationFn: dialAndHangUp });
  const { driver } = order.virtualNumbers;
  const stranger = people.find(({ userId, role }) => role === 'customer' && userId !== order.customer.userId);
  if (driver === null || order.driver === null || stranger === undefined) return null;
  const [callee, caller] = [firstNameOf(order.driver.name), firstNameOf(stranger.name)];
  return (
    <section className={styles.panel} data-testid="break-in">
      <div className={styles.bar}>
        <p className={styles.breakIn}>
          <b>What if somebody else has the number?</b> {caller} has no part in this order.
        </p>
        <Button
          variant="default"
          loading={attempt.isPending}
          onClick={() => attempt.mutate({ userId: stranger.userId, to: driver })}
        >
          Dial {formatNumber(driver)} as {caller}
        </Button>
      </div>
      <div role="status" className={styles.outcome}>
        {attempt.data && <Outcome outcome={attempt.data} callee={callee} caller={caller} />}
        {attempt.error && <p className={styles.problem}>{attempt.error.message}</p>}
      </div>
    </section>
  );
}

/** A stranger who does get through, because they share another order, shall not leave a phone ringing. */
async function dialAndHangUp({ userId, to }: Attempt): Promise<DialAnswer> {
  const outcome = await dial(userId, to);
  if (outcome.state === 'ringing') await hangUpCall(userId, outcome.callId);
  return outcome;
}

interface OutcomeProps {
  readonly outcome: DialAnswer;
  readonly callee: string;
  readonly caller: string;
}

function Outcome({ outcome, callee, caller }: OutcomeProps): ReactElement {
  if (outcome.state === 'ringing')
    return (
      <p className={styles.hint}>It rang: in this pool the number also stands for somebody else’s order.</p>
    );
  return (
    <p className={styles.heard}>
      <Icon name="speaker" size={18} />
      <span>
        {caller} hears: “{outcome.heard}” {callee}’s phone stayed silent.
      </span>
    </p>
  );
}
