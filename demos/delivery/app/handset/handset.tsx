import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useEffect, useState } from 'react';
import type { HandsetView } from '../../server/api-types.ts';
import { phoneQuery } from '../api/queries.ts';
import { ApiError } from '../api/request.ts';
import { formatNumber } from '../parts/format.ts';
import { Icon, type IconName } from '../parts/icons.tsx';
import { isAway } from '../parts/is-away.ts';
import { ServiceBanner } from '../parts/service-banner.tsx';
import { CallScreen } from './call-screen.tsx';
import styles from './handset.module.css';
import { type HandsetTab, useHandsetDesk, useHandsetScreen } from './handset-desk.ts';
import { Keypad } from './keypad.tsx';
import { Messages } from './messages.tsx';
import { Recents } from './recents.tsx';
import { activeCallOf, type ScreenCall, screenCallOf } from './screen-call.ts';
import { useContacts } from './use-contacts.ts';

const TABS: readonly { readonly tab: HandsetTab; readonly label: string; readonly icon: IconName }[] = [
  { tab: 'recents', label: 'Recents', icon: 'recents' },
  { tab: 'keypad', label: 'Keypad', icon: 'keypad' },
  { tab: 'messages', label: 'Messages', icon: 'message' },
];

/** The telephone of one person: what it rings with, whom it called, its texts and its keypad. */
export function Handset({ userId }: { readonly userId: string }): ReactElement {
  const query = useQuery(phoneQuery(userId));
  const screen = useHandsetScreen(userId);
  const phone = query.data;
  const contactOf = useContacts(userId);
  const call = screenCallOf(screen, phone ? activeCallOf(phone) : null, contactOf);
  return (
    <div className={styles.handset}>
      {isAway(query) && <ServiceBanner>No service. The phone is looking for its network.</ServiceBanner>}
      <div className={styles.body} inert={call !== null}>
        <HandsetBody userId={userId} phone={phone} error={query.error} />
      </div>
      {call && <CallScreen userId={userId} call={call} />}
      <CallAnnouncer call={call} />
    </div>
  );
}

interface HandsetBodyProps {
  readonly userId: string;
  readonly phone: HandsetView | undefined;
  readonly error: Error | null;
}

function HandsetBody({ userId, phone, error }: HandsetBodyProps): ReactElement {
  const desk = useHandsetDesk();
  const { tab, thread } = useHandsetScreen(userId);
  const unread = useUnreadMessages(phone, tab);
  if (error instanceof ApiError && error.status === 404)
    return <p className={styles.hint}>Nobody by that name has a phone here.</p>;
  return (
    <>
      <div className={styles.pane}>
        {tab === 'recents' && <Recents userId={userId} phone={phone} />}
        {tab === 'keypad' && <Keypad userId={userId} />}
        {tab === 'messages' && <Messages userId={userId} phone={phone} thread={thread} />}
      </div>
      <nav className={styles.tabs} aria-label="Phone">
        {TABS.map((each) => (
          <button
            key={each.tab}
            type="button"
            className={styles.tab}
            aria-current={tab === each.tab ? 'page' : undefined}
            onClick={() => desk.show(userId, { tab: each.tab, thread: null })}
          >
            <Icon name={each.icon} size={20} />
            {each.label}
            {each.tab === 'messages' && unread > 0 && (
              <span className={styles.unread}>
                {unread}
                <span className="visually-hidden"> new</span>
              </span>
            )}
          </button>
        ))}
      </nav>
    </>
  );
}

/** Texts that came while the messages were not open. */
function useUnreadMessages(phone: HandsetView | undefined, tab: HandsetTab): number {
  const [readUntil, setReadUntil] = useState<string | null>(null);
  const newest = phone?.messages.at(-1)?.at ?? '';
  const isLoaded = phone !== undefined;
  useEffect(() => {
    // What was there when the page opened is not news.
    if (isLoaded) setReadUntil((before) => (before === null || tab === 'messages' ? newest : before));
  }, [isLoaded, newest, tab]);
  if (readUntil === null || tab === 'messages') return 0;
  return (
    phone?.messages.filter(({ direction, at }) => direction === 'incoming' && at > readUntil).length ?? 0
  );
}

/** Says aloud what the screen shows: a ring interrupts, the rest waits for its turn. */
function CallAnnouncer({ call }: { readonly call: ScreenCall | null }): ReactElement {
  const who = call ? (call.contact?.name ?? formatNumber(call.shownNumber)) : '';
  const isRinging = call?.kind === 'incoming';
  return (
    <div className="visually-hidden">
      <div role="alert">{isRinging ? `Incoming call from ${who}` : ''}</div>
      <div role="status">{call && !isRinging ? `${STATUS_TEXTS[call.kind]} ${who}` : ''}</div>
    </div>
  );
}

const STATUS_TEXTS: Readonly<Record<Exclude<ScreenCall['kind'], 'incoming'>, string>> = {
  dialling: 'Dialling',
  calling: 'Ringing at',
  answered: 'In a call with',
  announcement: 'Not connected:',
};
