import { Termination } from '../../domain/call.ts';

/** How the edge says that a call has ended: docs/providers/sip.md. */
export interface SipEnd {
  /** the final answer that the callee's side gave; none when the call had been answered with 200 */
  readonly sipStatus?: number;
  /** from a Reason header (RFC 3326), when there was one */
  readonly q850Cause?: number;
  /** who sent the BYE; `edge` at the time limit */
  readonly endedBy?: 'caller' | 'callee' | 'edge';
}

/** RFC 3398, 8.2.6.1, as far as these answers occur. */
const CAUSE_OF_STATUS: ReadonlyMap<number, number> = new Map([
  [403, 21],
  [404, 1],
  [408, 102],
  [410, 22],
  [480, 18],
  [484, 28],
  [486, 17],
  [487, 16],
  [488, 31],
  [500, 41],
  [502, 38],
  [503, 41],
  [600, 17],
  [603, 21],
  [604, 1],
]);

/** Q.850 says more than SIP where a PSTN is behind the trunk: many carriers answer 480 to a busy line. */
const TERMINATION_OF_CAUSE: ReadonlyMap<number, Termination> = new Map([
  [17, Termination.Busy],
  [18, Termination.NoAnswer],
  [19, Termination.NoAnswer],
]);

const TERMINATION_OF_STATUS: ReadonlyMap<number, Termination> = new Map([
  [408, Termination.NoAnswer],
  [480, Termination.NoAnswer],
  [486, Termination.Busy],
  [487, Termination.Cancelled],
  [600, Termination.Busy],
]);

/** In our words, and in both of theirs: `sip=486;q850=17`. */
export function toTermination(end: SipEnd): { termination: Termination; nativeCause: string } {
  const { sipStatus = 200, endedBy } = end;
  const answered = sipStatus >= 200 && sipStatus < 300;
  const cause = end.q850Cause ?? (answered ? 16 : CAUSE_OF_STATUS.get(sipStatus));
  const nativeCause = cause === undefined ? `sip=${sipStatus}` : `sip=${sipStatus};q850=${cause}`;
  if (answered) {
    // An answered call whose end nobody claims did not end in order.
    const whole = endedBy === undefined ? Termination.Failed : Termination.Completed;
    return { termination: endedBy === 'edge' ? Termination.TimeLimit : whole, nativeCause };
  }
  const byCause = end.q850Cause === undefined ? undefined : TERMINATION_OF_CAUSE.get(end.q850Cause);
  const termination = byCause ?? TERMINATION_OF_STATUS.get(sipStatus) ?? Termination.Failed;
  return { termination: sipStatus === 487 ? Termination.Cancelled : termination, nativeCause };
}
