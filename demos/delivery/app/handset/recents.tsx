import type { ReactElement } from 'react';
import type { HandsetCall, HandsetView } from '../../server/api-types.ts';
import { formatDuration, formatNumber, formatTime } from '../parts/format.ts';
import { Icon, type IconName } from '../parts/icons.tsx';
import { VirtualNumber } from '../parts/person.tsx';
import { useNow } from '../parts/use-now.ts';
import styles from './handset.module.css';
import { useHandsetDesk } from './handset-desk.ts';
import { isDiallable } from './is-diallable.ts';

interface RecentsProps {
  readonly userId: string;
  readonly phone: HandsetView | undefined;
}

export function Recents({ userId, phone }: RecentsProps): ReactElement {
  const now = useNow(60_000);
  return (
    <>
      <h3 className={styles.title}>Recents</h3>
      {phone?.calls.length === 0 && (
        <p className={styles.hint}>No calls yet. Tap Call in the app, or wait for the phone to ring.</p>
      )}
      <ul data-testid="recents">
        {phone?.calls.map((call) => (
          <li key={`${call.callId}-${call.direction}`}>
            <RecentCall userId={userId} call={call} now={now} />
          </li>
        ))}
      </ul>
    </>
  );
}

interface RecentCallProps {
  readonly userId: string;
  readonly call: HandsetCall;
  readonly now: number;
}

function RecentCall({ userId, call, now }: RecentCallProps): ReactElement {
  const desk = useHandsetDesk();
  const { icon, detail, isBad } = describeCall(call);
  const shown = formatNumber(call.shownNumber);
  const name = call.contact?.name ?? shown;
  const tone = isBad ? 'bad' : undefined;
  return (
    <button
      type="button"
      className={styles.row}
      disabled={!isDiallable(call.shownNumber)}
      aria-label={`Call ${name} again`}
      title={call.heard ?? undefined}
      data-testid="recent-call"
      data-number={call.shownNumber}
      data-state={call.state}
      onClick={() => void desk.dial(userId, call.shownNumber)}
    >
      <span className={styles.rowIcon} data-tone={tone}>
        <Icon name={icon} size={16} />
      </span>
      <span className={styles.rowText}>
        <span className={styles.rowName} data-tone={tone}>
          {name}
        </span>
        {call.contact && (
          <span className={styles.rowDetail}>
            <VirtualNumber shownNumber={call.shownNumber} standsFor={call.contact.role} plain />
          </span>
        )}
        <span className={styles.rowDetail}>
          {detail} · {formatTime(call.startedAt, now)}
        </span>
      </span>
    </button>
  );
}

function describeCall(call: HandsetCall): {
  readonly icon: IconName;
  readonly detail: string;
  readonly isBad: boolean;
} {
  const { direction, state, answeredAt, endedAt } = call;
  if (state === 'refused' || state === 'failed')
    return { icon: 'refused', detail: 'Not connected', isBad: true };
  if (answeredAt === null && endedAt !== null)
    return direction === 'incoming'
      ? { icon: 'missed', detail: 'Missed', isBad: true }
      : { icon: 'outgoing', detail: 'No answer', isBad: false };
  const seconds =
    answeredAt !== null && endedAt !== null ? (Date.parse(endedAt) - Date.parse(answeredAt)) / 1000 : null;
  return { icon: direction, detail: seconds === null ? 'Now' : formatDuration(seconds), isBad: false };
}
