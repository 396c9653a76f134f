import { describe, expect, it } from 'vitest';
import { firstNameOf, formatDuration, formatNumber, formatTime, initialsOf } from './format.ts';

describe('formatNumber', () => {
  it.each([
    ['+13475550101', '+1 347 555 0101'],
    ['+441134960123', '+44 113 496 0123'],
    ['+1••••••0141', '+1••••••0141'],
    ['No caller ID', 'No caller ID'],
    ['+1', '+1'],
  ])('shows %s as %s', (shownNumber, text) => {
    expect(formatNumber(shownNumber)).toBe(text);
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0:00'],
    [7.9, '0:07'],
    [61, '1:01'],
    [3_723, '1:02:03'],
    [-3, '0:00'],
  ])('shows %d seconds as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

describe('formatTime', () => {
  // Local time on purpose: that is what the page shows.
  const now = new Date(2026, 5, 15, 18, 0).getTime();
  const at = (day: number, hour: number): string => new Date(2026, 5, day, hour, 5).toISOString();
  it.each([
    [at(15, 9), '09:05'],
    [at(14, 21), 'Sun 21:05'],
    [at(1, 9), '1 Jun'],
    ['yesterday', ''],
  ])('shows %s as %s', (instant, text) => {
    expect(formatTime(instant, now, 'en-GB')).toBe(text);
  });
});

describe('names', () => {
  it.each([
    ['Ana Lima', 'AL', 'Ana'],
    ['Jean Paul de la Cruz', 'JC', 'Jean'],
    [' Cher ', 'C', 'Cher'],
    ['Élodie Ünal', 'ÉÜ', 'Élodie'],
  ])('%s is %s, and %s for short', (name, initials, first) => {
    expect(initialsOf(name)).toBe(initials);
    expect(firstNameOf(name)).toBe(first);
  });
});
