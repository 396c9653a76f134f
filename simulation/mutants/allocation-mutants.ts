import type { Mutant } from './mutant.ts';

const ROUTES = 'storage/sql/route-statements.ts';
const NUMBERS = 'storage/sql/virtual-number-statements.ts';

export const ALLOCATION_MUTANTS: readonly Mutant[] = [
  {
    name: 'route-key-judges-nothing',
    defect:
      'a route that somebody holds is overwritten instead of refused: allocation without its unique index',
    edits: [
      {
        file: ROUTES,
        find: '     where route.resting_until <= $15\n',
        replace: '     where $15::timestamptz is not null\n',
      },
    ],
  },
  {
    name: 'choice-not-checked-again',
    defect: 'a number that was idle when it was looked for is taken without looking again: read, then write',
    edits: [
      {
        file: NUMBERS,
        find: "\n      and taken.state = 'in_service' and taken.idle_at <= $3\n   returning taken",
        replace: "\n      and taken.state = 'in_service' and $3::timestamptz is not null\n   returning taken",
      },
    ],
    schema: 'drop index if exists maskline.participant_exclusive',
  },
  {
    name: 'number-does-not-rest',
    defect: 'a number serves others without its quarantine',
    edits: [
      {
        file: 'app/rest-session.ts',
        find: 'restsFrom + pool.numberQuarantineSeconds * SECOND',
        replace: 'restsFrom',
      },
    ],
  },
  {
    name: 'pair-does-not-rest',
    defect: 'a person meets a number again without the quarantine of the pair',
    edits: [
      {
        file: 'app/rest-session.ts',
        find: 'restsFrom + pool.pairQuarantineSeconds * SECOND',
        replace: 'restsFrom',
      },
    ],
  },
  {
    name: 'quarantine-off-by-one',
    defect: 'the quarantine of a number ends a second too early',
    edits: [
      {
        file: 'app/rest-session.ts',
        find: 'restsFrom + pool.numberQuarantineSeconds * SECOND',
        replace: 'restsFrom + Math.max(0, pool.numberQuarantineSeconds - 1) * SECOND',
      },
    ],
  },
  {
    name: 'rest-ignores-calls',
    defect: 'the rest counts from the end of the session, although people still talk',
    edits: [
      {
        file: 'app/rest-session.ts',
        find: 'const restsFrom = Math.max(liveUntil, lastEnd ?? liveUntil);',
        replace: 'const restsFrom = lastEnd === -1 ? lastEnd : liveUntil;',
      },
    ],
  },
  {
    name: 'trimmed-too-soon',
    defect: 'routes are deleted while they rest, and with them the memory of who has met what',
    edits: [{ file: 'jobs/trimmer.ts', find: 'routes: now,', replace: 'routes: now + DAY_MS,' }],
  },
  {
    name: 'shown-number-of-another-account',
    defect: 'the numbers of a session may be of two provider accounts',
    edits: [
      {
        file: NUMBERS,
        find: "v.provider_account = $8 and v.state = 'in_service' and v.idle_at <= $3",
        replace: "$8::text is not null and v.state = 'in_service' and v.idle_at <= $3",
      },
    ],
  },
  {
    name: 'shows-the-wrong-number',
    defect: 'the callee sees the number that was dialled, and calling back reaches nobody',
    edits: [
      {
        file: 'domain/route.ts',
        find: 'const shown = numbers[i];',
        replace:
          'const shown = numbers[(i + 1) % numbers.length] === dialled ? numbers[i] : numbers[(i + 1) % numbers.length];',
      },
    ],
  },
  {
    name: 'exhaustion-swallowed',
    defect: 'a session waits, and nobody is told that the pool is exhausted',
    edits: [
      {
        file: 'app/open-session.ts',
        find: "    raiseEvent(app, 'pool.exhausted', reference, { pool, sessionId, reference }),\n",
        replace: '',
      },
    ],
  },
  {
    name: 'pending-never-served',
    defect: 'sessions that wait are forgotten when numbers come back',
    edits: [
      {
        file: 'app/serve-pending.ts',
        find: "session?.state !== 'pending') return false",
        replace: "session?.state !== 'open') return false",
      },
    ],
  },
];
