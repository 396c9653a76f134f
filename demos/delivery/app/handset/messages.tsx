import type { ReactElement } from 'react';
import type { HandsetMessage, HandsetView } from '../../server/api-types.ts';
import { formatNumber, formatTime } from '../parts/format.ts';
import { Avatar } from '../parts/person.tsx';
import { useNow } from '../parts/use-now.ts';
import styles from './handset.module.css';
import { useHandsetDesk } from './handset-desk.ts';
import { Thread } from './thread.tsx';

interface MessagesProps {
  readonly userId: string;
  readonly phone: HandsetView | undefined;
  readonly thread: string | null;
}

/** The texts of a phone: one thread for each number of the other side. */
export function Messages({ userId, phone, thread }: MessagesProps): ReactElement {
  if (thread !== null) return <Thread key={thread} userId={userId} phone={phone} shownNumber={thread} />;
  const threads = latestOfEachThread(phone?.messages ?? []);
  return (
    <>
      <h3 className={styles.title}>Messages</h3>
      {phone && threads.length === 0 && (
        <p className={styles.hint}>No texts yet. Tap Text in the app to write one.</p>
      )}
      <ul>
        {threads.map((message) => (
          <li key={message.shownNumber}>
            <ThreadRow userId={userId} message={message} />
          </li>
        ))}
      </ul>
    </>
  );
}

function latestOfEachThread(messages: readonly HandsetMessage[]): HandsetMessage[] {
  const latest = new Map<string, HandsetMessage>();
  for (const message of messages) {
    latest.delete(message.shownNumber);
    latest.set(message.shownNumber, message);
  }
  return [...latest.values()].reverse();
}

interface ThreadRowProps {
  readonly userId: string;
  readonly message: HandsetMessage;
}

function ThreadRow({ userId, message }: ThreadRowProps): ReactElement {
  const desk = useHandsetDesk();
  const now = useNow(60_000);
  const { contact, shownNumber, body, at } = message;
  return (
    <button
      type="button"
      className={styles.row}
      data-testid="thread"
      data-number={shownNumber}
      onClick={() => desk.show(userId, { thread: shownNumber })}
    >
      <Avatar name={contact?.name ?? null} role={contact?.role ?? 'unknown'} size={34} />
      <span className={styles.rowText}>
        <span className={styles.rowName}>{contact?.name ?? formatNumber(shownNumber)}</span>
        <span className={styles.rowDetail}>{body}</span>
      </span>
      <span className={styles.rowTime}>{formatTime(at, now)}</span>
    </button>
  );
}
