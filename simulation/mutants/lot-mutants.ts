import type { Mutant } from './mutant.ts';

/** Of orders that are assigned and ended in lots, where each must fare as it would alone. */
export const LOT_MUTANTS: readonly Mutant[] = [
  {
    name: 'lot-noted-without-effect',
    defect: 'the events of a lot are noted as applied, and only the first of them is',
    edits: [
      {
        file: 'app/change-together.ts',
        find: 'await change(storage, news);',
        replace: 'await change(storage, news.slice(0, 1));',
      },
    ],
  },
  {
    name: 'lot-forgets-the-epoch',
    defect: 'in a lot the assignment that arrives last wins, not the higher',
    edits: [
      {
        file: 'app/open-sessions.ts',
        find: 'assignment <= row.highestAssignment',
        replace: 'assignment === row.highestAssignment',
      },
    ],
  },
  {
    name: 'left-over-by-a-lot-is-lost',
    defect: 'an assignment that a lot leaves to the single way is noted as applied all the same',
    edits: [
      {
        file: 'app/open-sessions.ts',
        find: 'if (events.length > 0) await',
        replace: 'if (events.length < 0) await',
      },
    ],
  },
  {
    name: 'lot-fails-silently',
    defect: 'a lot of which one lost its number to somebody quicker counts as done',
    edits: [
      {
        file: 'app/open-sessions.ts',
        find: '      if (!isLost) throw error;\n',
        replace:
          "      if (!isLost) throw error;\n      if (attempt >= 0) return requests.map(() => ({ outcome: 'duplicate', session: null }));\n",
      },
    ],
  },
  {
    name: 'lot-takes-half-a-session',
    defect: 'a lot does not count the routes that it could write',
    edits: [
      {
        file: 'app/open-sessions.ts',
        find: '!== routes.length) throw new RouteTaken();',
        replace: '> routes.length) throw new RouteTaken();',
      },
    ],
  },
  {
    name: 'lot-leaves-no-tombstone',
    defect: 'in a lot the end of an order that nobody has heard of is forgotten',
    edits: [
      {
        file: 'app/end-together.ts',
        find: 'fresh.has(reference) || known.get(reference)?.endedReason === null',
        replace: '!fresh.has(reference) && known.get(reference)?.endedReason === null',
      },
    ],
  },
];
