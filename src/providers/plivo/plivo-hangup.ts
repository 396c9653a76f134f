import { type LegStatus, Termination } from '../../domain/call.ts';
import type { Instant } from '../../lib/clock.ts';
import type { FormFields } from '../form-fields.ts';
import { formField } from '../webhook-body.ts';

export type LegEnd = Extract<LegStatus, { status: 'ended' }>;

/** Longer than every call may be; more is no duration. */
const DURATION_SECONDS_MAXIMUM = 7 * 86_400;
/** Longer than callbacks are retried, shorter than the nearest half-hour zone is away. */
const TIME_TOLERANCE_MS = 25 * 60_000;

/**
 * The words of Plivo's two vocabularies, its own cause names ("Busy Line") and its switch's causes (`USER_BUSY`),
 * in the order in which they are looked for: the specific before the general.
 */
const TERMINATIONS: readonly (readonly [RegExp, Termination])[] = [
  [/ALLOTTED_TIMEOUT|time ?limit|duration limit|scheduled hangup/i, Termination.TimeLimit],
  [/BUSY|CALL_REJECTED|Rejected/i, Termination.Busy],
  [/NO_ANSWER|NO_USER_RESPONSE|No Answer|Ring Timeout/i, Termination.NoAnswer],
  [/ORIGINATOR_CANCEL|LOSE_RACE|Cancell?ed/i, Termination.Cancelled],
  [/NORMAL_CLEARING|Normal Hangup|End Of XML/i, Termination.Completed],
];

export function plivoLegEnd(report: {
  at: Instant;
  cause: string | null;
  causeName: string | null;
  source: string | null;
  durationSeconds: number | null;
}): LegEnd {
  const { at, cause, causeName, source, durationSeconds } = report;
  const words = `${causeName ?? ''} ${cause ?? ''}`;
  const found = TERMINATIONS.find(([word]) => word.test(words))?.[1] ?? Termination.Failed;
  return {
    status: 'ended',
    at,
    termination: found === Termination.Completed && durationSeconds === 0 ? neverTalked(source) : found,
    durationSeconds,
    nativeCause: nativeCause(cause ?? causeName),
  };
}

/** The end of the callee's leg, as the callback URL of `Dial` hears it. */
export function toPlivoLegEnd(form: FormFields, now: Instant): LegEnd {
  return plivoLegEnd({
    at: reportedTime(formField(form, 'EndTime'), now),
    cause: formField(form, 'DialBLegHangupCause'),
    causeName: formField(form, 'DialBLegHangupCauseName'),
    source: formField(form, 'DialBLegHangupSource'),
    durationSeconds: toSeconds(formField(form, 'DialBLegDuration')),
  });
}

/**
 * `2026-01-02 03:04:05`, UTC, where Plivo says it; otherwise the time of arrival. A time that is hours away is one
 * of another time zone, in which call records are written.
 */
export function reportedTime(text: string | null, now: Instant): Instant {
  const [, day, time] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,6})?)$/.exec(text ?? '') ?? [];
  const at = Date.parse(`${day}T${time}Z`);
  return Math.abs(now - at) <= TIME_TOLERANCE_MS ? at : now;
}

/** A normal hang-up without a second of talk: somebody put down while it was still ringing. */
function neverTalked(source: string | null): Termination {
  return source === 'Caller' ? Termination.Cancelled : Termination.NoAnswer;
}

function toSeconds(text: string | null): number | null {
  if (text === null || !/^[0-9]{1,9}$/.test(text)) return null;
  const seconds = Number(text);
  return seconds <= DURATION_SECONDS_MAXIMUM ? seconds : null;
}

/** Kept only when it is a word or a short code: a number has no place in a call record. */
function nativeCause(text: string | null): string | null {
  return text !== null && /^[A-Za-z][A-Za-z0-9_ ().-]{0,60}$/.test(text) && !/[0-9]{5}/.test(text)
    ? text
    : null;
}
