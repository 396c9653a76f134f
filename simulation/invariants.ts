/** A promise that every run checks, and what must have happened for the check to mean something. */
export interface Invariant {
  readonly id: string;
  readonly promise: string;
  /** below simulation/checks or simulation/world, unless it says otherwise */
  readonly check: string;
  /** counters: a run of many seeds in which one of them is 0 has proved little */
  readonly reached: readonly string[];
}

const PROPERTY = 'test/property/invariants.ts, after every step';

export const INVARIANTS: readonly Invariant[] = [
  {
    id: 'INV-01',
    promise: 'No two live routes share number and caller.',
    check: PROPERTY,
    reached: ['fault staleRead', 'a number is lent again'],
  },
  {
    id: 'INV-02',
    promise: 'An exclusive number stands for one person at a time.',
    check: PROPERTY,
    reached: ['opened in a dedicated pool'],
  },
  {
    id: 'INV-03',
    promise: 'A session has a route for each ordered pair; what a route shows is dialled to call back.',
    check: `${PROPERTY}; observer.ts`,
    reached: ['opened with three people', 'connected call'],
  },
  {
    id: 'INV-04',
    promise: 'An order has one live session, that of its highest assignment.',
    check: `${PROPERTY}; order-checks.ts`,
    reached: ['session closed: reassigned'],
  },
  {
    id: 'INV-05',
    promise: 'Live routes run over numbers that we hold, at one provider account.',
    check: PROPERTY,
    reached: ['opened beside a second account', 'a number vanished'],
  },
  {
    id: 'INV-06',
    promise: 'What one person dials in live sessions is all different.',
    check: PROPERTY,
    reached: ['a person is in two sessions at once'],
  },
  {
    id: 'INV-07',
    promise: 'A dedicated number is allocated exactly while it stands for somebody.',
    check: `${PROPERTY}; stock-checks.ts, when every session is over`,
    reached: ['every number came back'],
  },
  {
    id: 'INV-08',
    promise: 'Nobody waits while a legal choice exists.',
    check: 'stock-checks.ts, an oracle of its own',
    reached: ['a session waits at the end'],
  },
  {
    id: 'INV-09',
    promise: 'A shared pool that has more numbers than its busiest people hold is never exhausted.',
    check: 'stock-checks.ts',
    reached: ['opened in a shared pool'],
  },
  {
    id: 'INV-10',
    promise: 'Every assignment ends in exactly one way, and exhaustion is reported.',
    check: 'order-checks.ts, event-checks.ts',
    reached: ['session new → pending', 'superseded', 'assigned after its end'],
  },
  {
    id: 'INV-11',
    promise: 'Repeated, retried and interrupted events lead where the events taken once in order lead.',
    check: 'order-checks.ts',
    reached: ['fault busRepeat', 'offsets were lost'],
  },
  {
    id: 'INV-12',
    promise: 'What ends before it is assigned opens nothing.',
    check: 'order-checks.ts',
    reached: ['ended before any assignment', 'assigned after its end'],
  },
  {
    id: 'INV-13',
    promise: 'Reading the whole topic again changes nothing and announces nothing.',
    check: 'run-seed.ts, at the end of every run',
    reached: ['the topic was read again from its start'],
  },
  {
    id: 'INV-14',
    promise: 'A session whose end never comes ends by its time.',
    check: 'run-seed.ts, at the end of every run; state-invariants.ts',
    reached: ['session closed: expired'],
  },
  {
    id: 'INV-15',
    promise: 'A reassignment has no instant with both sessions and none with neither.',
    check: 'observer.ts, event-checks.ts',
    reached: ['session closed: reassigned'],
  },
  {
    id: 'INV-17',
    promise: 'What cannot be read becomes a dead letter, nothing else does, and the partition goes on.',
    check: 'order-checks.ts',
    reached: ['a dead letter'],
  },
  {
    id: 'INV-18',
    promise:
      'The first end wins, a closed session never changes and holds nothing, and whoever is blocked reaches nobody.',
    check: 'observer.ts, state-invariants.ts, order-checks.ts',
    reached: [
      'session closed: completed',
      'session closed: cancelled',
      'session closed: closed',
      'confirmed: a participant is blocked',
      'confirmed: a person is blocked',
    ],
  },
  {
    id: 'INV-19',
    promise: 'The number of an assignment decides, not the order of arrival.',
    check: 'order-checks.ts',
    reached: ['superseded'],
  },
  {
    id: 'INV-20',
    promise: 'From the commit of an end on nobody is connected, whatever the clocks say; nor after 400 ms.',
    check: 'judge.ts',
    reached: [
      'asked within a second of the end',
      'asked before the clock shows the end',
      'a decision came too late',
    ],
  },
  {
    id: 'INV-21',
    promise: 'Numbers, and pairs of person and number, rest for their quarantine, from the last call on.',
    check: 'observer.ts',
    reached: ['a number is lent again', 'a person meets a number again'],
  },
  {
    id: 'INV-22',
    promise:
      'A caller is connected to the person whom the session says, and to nobody else: by their phone, one announcement, or a PIN.',
    check: 'judge.ts',
    reached: [
      'connected call',
      'connected message',
      'a participant changed phones',
      'connected as announced',
      'connected by a PIN',
    ],
  },
  {
    id: 'INV-23',
    promise:
      'Connected exactly if the question is authentic, the session live, the rule of the pool kept and no limit reached.',
    check: 'judge.ts, call-limits.ts',
    reached: [
      'forged',
      'asked over another account',
      'refused: neutral',
      'refused: call beyond a limit',
      'refused: message beyond a limit',
      'a cap on calls was used up',
      'refused: outside of the rule',
      'asked for a PIN',
    ],
  },
  {
    id: 'INV-24',
    promise: 'One call has one answer, for a minute, for its caller, while it lasts.',
    check: 'judge.ts',
    reached: ['asked again', 'fault askTwice', 'a decision came too late'],
  },
  {
    id: 'INV-25',
    promise:
      'Every connected call has one record, one announcement, and an end, also when it is never reported.',
    check: 'call-checks.ts, event-checks.ts, liveness.ts',
    reached: ['a call was talked on and its record has ended', 'an operator misbehaves'],
  },
  {
    id: 'INV-26',
    promise: 'Numbers of a session that ended during a call rest from the end of that call.',
    check: 'observer.ts',
    reached: ['a session ended during a call'],
  },
  {
    id: 'INV-27',
    promise: 'Expiry falls on its millisecond.',
    check: 'judge.ts',
    reached: ['exactly at a boundary'],
  },
  {
    id: 'INV-28',
    promise: 'No event and no log line holds a real number.',
    check: 'event-checks.ts, judged-log.ts',
    reached: ['events announced', 'log lines read'],
  },
  {
    id: 'INV-30',
    promise: 'A crash at any fault point leaves what a run without it leaves.',
    check: 'order-checks.ts and all others, at the end of every run',
    reached: ['a replica died', 'fault crash', 'fault databaseUnknown', 'fault databaseAbort'],
  },
  {
    id: 'INV-31',
    promise: 'What is committed is announced, at least once, in its order, with what it says.',
    check: 'event-checks.ts',
    reached: ['events announced', 'an event was published again', 'fault busUnknown'],
  },
  {
    id: 'INV-32',
    promise: 'What was acknowledged is there: confirmed ends, connected calls, delivered texts.',
    check: 'actions.ts, call-checks.ts',
    reached: ['a confirmed end is there', 'a connected call is on record'],
  },
  {
    id: 'INV-33',
    promise: 'No purchase without an intent, and nothing paid for that is unknown here.',
    check: 'purchase-watch.ts, stock-checks.ts, state-invariants.ts',
    reached: ['purchase', 'purchase whose answer was lost'],
  },
  {
    id: 'INV-34',
    promise: 'No number is given back while anybody may reach somebody over it.',
    check: 'purchase-watch.ts',
    reached: ['number given back', 'a number in use was to be given up'],
  },
  {
    id: 'INV-35',
    promise: 'Never more is bought than the pool may have and than the account may spend.',
    check: 'state-invariants.ts, purchase-watch.ts',
    reached: ['a budget was spent'],
  },
  {
    id: 'INV-36',
    promise: 'A replica that was stopped and lost its lease does no harm when it goes on.',
    check: 'all others',
    reached: [
      'a replica was paused',
      'the group was given to others meanwhile',
      'a replica stopped while it bought',
    ],
  },
  {
    id: 'INV-39',
    promise: 'A number that is gone at the provider leaves service within minutes.',
    check: 'stock-checks.ts',
    reached: ['a number vanished'],
  },
  {
    id: 'INV-43',
    promise: 'A full disk refuses writes, harms nothing that was acknowledged, and ends by itself.',
    check: 'all others',
    reached: ['the disk was full'],
  },
  {
    id: 'INV-50…55',
    promise: 'Within bounded virtual time after everything has healed, nothing waits that need not.',
    check: 'liveness.ts, stock-checks.ts',
    reached: ['everything healed'],
  },
];

/** Those of the list that a simulation of the whole cannot judge, and who does. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  'INV-16':
    'Idempotency keys belong to the HTTP server, which a run does not contain: it calls the use cases. `src/http/idempotency.test.ts` and `test/system` hold it.',
  'INV-37':
    'A replica goes by its own clock, which must be kept by NTP (docs/operations.md). Runs skew clocks by up to 1.5 s and hold every other promise under that; jumps of minutes are outside of what is promised.',
  'INV-38': 'A rule on the sources: `test/rules/house-rules.test.ts`.',
  'INV-40': 'Needs two processes and a directory: `src/storage/pglite`, `test/system`.',
  'INV-41': 'Needs a process that is killed: see “Faults on real parts”.',
  'INV-42': 'Needs a file layer: see “Faults on real parts”.',
};

/** How often the rarest of what an invariant needs has happened. */
export function reachedLeast(one: Invariant, counts: Readonly<Record<string, number>>): number {
  return Math.min(...one.reached.map((what) => counts[what] ?? 0));
}
