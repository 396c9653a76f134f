import { useMutation } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { answerCall, hangUpCall } from '../api/actions.ts';
import { formatDuration, formatNumber } from '../parts/format.ts';
import { HangUpIcon, Icon } from '../parts/icons.tsx';
import { Avatar, VirtualNumber } from '../parts/person.tsx';
import { useNow } from '../parts/use-now.ts';
import styles from './call-screen.module.css';
import { useHandsetDesk } from './handset-desk.ts';
import type { ScreenCall } from './screen-call.ts';

interface CallScreenProps {
  readonly userId: string;
  readonly call: ScreenCall;
}

const HEADLINES: Readonly<Record<ScreenCall['kind'], string>> = {
  dialling: 'Calling…',
  calling: 'Ringing…',
  incoming: 'Incoming call',
  answered: 'Connected',
  announcement: 'Not connected',
};

/** The screen of a phone while it rings, calls, talks, or hears why it cannot. */
export function CallScreen({ userId, call }: CallScreenProps): ReactElement {
  const { kind, contact, shownNumber } = call;
  const role = contact?.role ?? 'unknown';
  return (
    <div
      className={`${styles.screen} ${kind === 'incoming' ? styles.ringing : ''}`}
      data-fills-screen
      data-testid="call-screen"
      data-state={kind}
    >
      <p className={styles.headline}>{HEADLINES[kind]}</p>
      {kind !== 'announcement' && (
        <div className={styles.portrait}>
          <Avatar name={contact?.name ?? null} role={role} size={76} />
        </div>
      )}
      <p className={styles.name}>{contact?.name ?? formatNumber(shownNumber)}</p>
      {contact && (
        <>
          <VirtualNumber shownNumber={shownNumber} standsFor={role} />
          <p className={styles.small}>
            Your {contact.role} for order {contact.label}
          </p>
        </>
      )}
      {kind === 'answered' && <CallTimer since={call.answeredAt} />}
      {call.heard !== null && (
        <blockquote className={styles.heard} data-testid="announcement">
          <Icon name="speaker" size={20} />
          <span>“{call.heard}”</span>
        </blockquote>
      )}
      <CallActions userId={userId} call={call} />
    </div>
  );
}

function CallTimer({ since }: { readonly since: string | null }): ReactElement {
  const now = useNow(1_000);
  const seconds = since === null ? 0 : (now - Date.parse(since)) / 1000;
  return (
    <p className={styles.timer} role="timer" aria-label="Length of the call">
      {formatDuration(seconds)}
    </p>
  );
}

function CallActions({ userId, call }: CallScreenProps): ReactElement | null {
  const desk = useHandsetDesk();
  const { callId, kind } = call;
  // A call that is over by now is no failure: the screen follows the network anyway.
  const answer = useMutation({ mutationFn: (id: string) => answerCall(userId, id).catch(() => undefined) });
  const hangUp = useMutation({ mutationFn: (id: string) => hangUpCall(userId, id).catch(() => undefined) });
  const isBusy = answer.isPending || hangUp.isPending;

  if (kind === 'announcement')
    return (
      <div className={styles.actions}>
        <RoundButton
          label="Close"
          tone="close"
          isBusy={false}
          onPress={() => desk.show(userId, { announcement: null })}
        />
      </div>
    );
  if (callId === null) return null;
  return (
    <div className={styles.actions}>
      <RoundButton
        label={kind === 'incoming' ? 'Decline' : 'Hang up'}
        tone="hangUp"
        isBusy={isBusy}
        onPress={() => hangUp.mutate(callId)}
      />
      {kind === 'incoming' && (
        <RoundButton label="Answer" tone="answer" isBusy={isBusy} onPress={() => answer.mutate(callId)} />
      )}
    </div>
  );
}

interface RoundButtonProps {
  readonly label: string;
  readonly tone: 'answer' | 'hangUp' | 'close';
  readonly isBusy: boolean;
  readonly onPress: () => void;
}

function RoundButton({ label, tone, isBusy, onPress }: RoundButtonProps): ReactElement {
  return (
    <button type="button" className={styles.round} data-tone={tone} disabled={isBusy} onClick={onPress}>
      <span className={styles.disc}>
        {tone === 'hangUp' ? (
          <HangUpIcon size={26} />
        ) : (
          <Icon name={tone === 'answer' ? 'phone' : 'close'} size={24} />
        )}
      </span>
      {label}
    </button>
  );
}
