import { parsePhoneNumberFromString } from 'libphonenumber-js/min';

/** `+1 347 555 0101` for E.164; anything else, such as a masked number, as it is. */
export function formatNumber(shownNumber: string): string {
  if (!/^\+\d+$/.test(shownNumber)) return shownNumber;
  return parsePhoneNumberFromString(shownNumber)?.formatInternational() ?? shownNumber;
}

/** `0:07`, `12:40`, `1:02:03` */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** `14:05` today, `Mon 14:05` within a week, else a date; in the reader's own time zone. */
export function formatTime(at: string, now: number, locale?: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return '';
  const time = date.toLocaleTimeString(locale, {
    hour: '2-digit',
    minute: '2-digit',
    // No room for AM and PM in a log line.
    hourCycle: 'h23',
  });
  const days = (now - date.getTime()) / 86_400_000;
  if (new Date(now).toDateString() === date.toDateString()) return time;
  if (days < 6) return `${date.toLocaleDateString(locale, { weekday: 'short' })} ${time}`;
  return date.toLocaleDateString(locale, { day: 'numeric', month: 'short' });
}

/** `Ana Lima` → `AL`; a single name gives one letter. */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words.at(0), words.at(-1)] : [words.at(0)];
  return letters
    .map((word) => Array.from(word ?? '')[0] ?? '')
    .join('')
    .toUpperCase();
}

export function firstNameOf(name: string): string {
  return name.trim().split(/\s+/)[0] ?? name;
}
