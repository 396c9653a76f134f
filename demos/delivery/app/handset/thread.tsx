import { useMutation } from '@tanstack/react-query';
import { Fragment, type ReactElement, type SubmitEvent, useEffect, useRef, useState } from 'react';
import type { HandsetView } from '../../server/api-types.ts';
import { sendMessage } from '../api/actions.ts';
import { formatNumber } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { VirtualNumber } from '../parts/person.tsx';
import styles from './handset.module.css';
import { useHandsetDesk } from './handset-desk.ts';
import { isDiallable } from './is-diallable.ts';
import { useContacts } from './use-contacts.ts';

const LENGTH_MAXIMUM = 1_530;

interface ThreadProps {
  readonly userId: string;
  readonly phone: HandsetView | undefined;
  readonly shownNumber: string;
}

/** The texts with one number, and the place to write the next. */
export function Thread({ userId, phone, shownNumber }: ThreadProps): ReactElement {
  const desk = useHandsetDesk();
  const messages = phone?.messages.filter((message) => message.shownNumber === shownNumber) ?? [];
  const contact = useContacts(userId)(shownNumber);
  const end = useRef<HTMLDivElement>(null);
  const count = messages.length;
  useEffect(() => {
    const bubbles = end.current?.parentElement;
    // Only this list scrolls; scrollIntoView would move the whole board.
    if (bubbles && count > 0) bubbles.scrollTop = bubbles.scrollHeight;
  }, [count]);
  return (
    <>
      <div className={styles.threadHead}>
        <button
          type="button"
          className={styles.plain}
          aria-label="All messages"
          onClick={() => desk.show(userId, { thread: null })}
        >
          <Icon name="back" size={20} />
        </button>
        <div className={styles.threadWho}>
          <p className={styles.rowName}>{contact?.name ?? formatNumber(shownNumber)}</p>
          {contact && (
            <p className={styles.rowDetail}>
              <VirtualNumber shownNumber={shownNumber} standsFor={contact.role} />
            </p>
          )}
        </div>
        <button
          type="button"
          className={styles.plain}
          aria-label="Call this number"
          disabled={!isDiallable(shownNumber)}
          onClick={() => void desk.dial(userId, shownNumber)}
        >
          <Icon name="phone" size={19} />
        </button>
      </div>
      <div className={styles.bubbles} role="log" aria-label="Messages">
        {messages.map((message) => (
          <Fragment key={`${message.messageId}-${message.direction}`}>
            <p className={styles.bubble} data-direction={message.direction} data-testid="message">
              {message.body}
            </p>
            {!message.delivered && <p className={styles.undelivered}>Not delivered</p>}
          </Fragment>
        ))}
        <div ref={end} />
      </div>
      <Composer userId={userId} to={shownNumber} />
    </>
  );
}

function Composer({ userId, to }: { readonly userId: string; readonly to: string }): ReactElement {
  const [text, setText] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const send = useMutation({
    mutationFn: (body: string) => sendMessage(userId, to, body),
    onSuccess: () => setText(''),
  });
  useEffect(() => field.current?.focus({ preventScroll: true }), []);

  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (text.trim() !== '' && !send.isPending) send.mutate(text.trim());
  };
  return (
    <>
      {send.error && (
        <p className={styles.problem} role="alert">
          {send.error.message}
        </p>
      )}
      <form className={styles.composer} onSubmit={submit}>
        <input
          ref={field}
          value={text}
          maxLength={LENGTH_MAXIMUM}
          placeholder="Text message"
          aria-label="Text message"
          autoComplete="off"
          onChange={(event) => setText(event.target.value)}
        />
        <button
          type="submit"
          className={styles.sendButton}
          aria-label="Send"
          disabled={text.trim() === '' || send.isPending || !isDiallable(to)}
        >
          <Icon name="send" size={18} />
        </button>
      </form>
    </>
  );
}
