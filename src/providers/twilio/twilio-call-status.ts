import { type LegStatus, Termination } from '../../domain/call.ts';

/** How a call can end, in Twilio's words. Every other word says that it is still going on. */
const TERMINATIONS: ReadonlyMap<string, Termination> = new Map([
  ['completed', Termination.Completed],
  ['busy', Termination.Busy],
  ['no-answer', Termination.NoAnswer],
  ['canceled', Termination.Cancelled],
  ['failed', Termination.Failed],
]);

/** Reads a final status; null when the call still goes on, or when the word is not known. */
export function readCallEnd(end: {
  readonly status: string;
  readonly at: number;
  /** whole seconds in decimal, as Twilio writes them */
  readonly duration: string | null;
  /** the response of the callee's network, if it said */
  readonly sipResponseCode: string | null;
}): Extract<LegStatus, { status: 'ended' }> | null {
  const termination = TERMINATIONS.get(end.status);
  if (termination === undefined) return null;
  const sip = /^[1-6][0-9]{2}$/.test(end.sipResponseCode ?? '') ? ` ${end.sipResponseCode}` : '';
  return {
    status: 'ended',
    at: end.at,
    termination,
    durationSeconds: readSeconds(end.duration),
    nativeCause: end.status + sip,
  };
}

const DATE = /^[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}$/;

/** Reads an RFC 2822 date, the only form that Twilio writes; null when it is none. */
export function readTwilioDate(text: string | null | undefined): number | null {
  if (typeof text !== 'string' || !DATE.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

function readSeconds(text: string | null): number | null {
  return text !== null && /^[0-9]{1,6}$/.test(text) ? Number(text) : null;
}
