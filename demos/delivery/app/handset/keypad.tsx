import { AsYouType } from 'libphonenumber-js/min';
import { type ReactElement, type SubmitEvent, useState } from 'react';
import { Icon } from '../parts/icons.tsx';
import styles from './handset.module.css';
import { useHandsetDesk } from './handset-desk.ts';
import { isDiallable, toDialled } from './is-diallable.ts';

const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '+', '0'] as const;
const DIGITS_MAXIMUM = 15;

export function Keypad({ userId }: { readonly userId: string }): ReactElement {
  const desk = useHandsetDesk();
  const [dialled, setDialled] = useState('');
  const type = (text: string): void => setDialled(toDialled(text).slice(0, DIGITS_MAXIMUM + 1));

  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (isDiallable(dialled)) void desk.dial(userId, dialled);
  };
  return (
    <form className={styles.keypad} onSubmit={submit}>
      <input
        className={styles.dialled}
        type="tel"
        inputMode="tel"
        autoComplete="off"
        aria-label="Number to dial"
        placeholder="+1 …"
        value={new AsYouType().input(dialled)}
        onChange={(event) => type(event.target.value)}
      />
      <div className={styles.keys}>
        {KEYS.map((key) => (
          <button
            key={key}
            type="button"
            className={styles.key}
            disabled={key === '+' && dialled !== ''}
            onClick={() => type(dialled + key)}
          >
            {key}
          </button>
        ))}
        <button
          type="button"
          className={styles.key}
          aria-label="Erase"
          onClick={() => type(dialled.slice(0, -1))}
        >
          <Icon name="erase" size={20} />
        </button>
      </div>
      <button type="submit" className={styles.dialButton} aria-label="Dial" disabled={!isDiallable(dialled)}>
        <Icon name="phone" size={24} />
      </button>
    </form>
  );
}
