import type { Mutant } from './mutant.ts';

export const STOCK_MUTANTS: readonly Mutant[] = [
  {
    name: 'purchase-without-intent',
    defect: 'a number is ordered before the intent is committed',
    edits: [
      {
        file: 'app/buy-number.ts',
        find: '  if (!(await reserveIntent(app, tenant, intent))) return false;\n',
        replace: '  void reserveIntent;\n',
      },
    ],
  },
  {
    name: 'lost-answers-not-looked-for',
    defect: 'a purchase whose answer was lost is not looked for in the list',
    edits: [
      {
        file: 'app/reconcile-intents.ts',
        find: 'if (number) return adoptListed(app, account, intent, number);',
        replace: 'if (number && adoptListed.length === 0) return false;',
      },
      {
        file: 'app/reconcile-numbers.ts',
        find: 'if (held && (await adoptListed(app, account, intent, held))) adopted++;',
        replace: 'if (held && adoptListed.length === 0) adopted++;',
      },
    ],
  },
  {
    name: 'intent-not-settled',
    defect: 'a number is adopted, and its purchase stays under way',
    edits: [
      {
        file: 'app/adopt-number.ts',
        find: "    await storage.intents.setState(intent.id, 'done', app.clock.now(), null);\n",
        replace: '',
      },
    ],
  },
  {
    name: 'stock-without-fencing',
    defect:
      'two replicas buy at once: neither asks for the lease, and neither counts again what the pool has before each purchase',
    edits: [
      {
        file: 'jobs/stock-keeper.ts',
        find: '!(await lease.hold())',
        replace: '(await Promise.resolve(false))',
      },
      { file: 'jobs/stock-keeper.ts', find: '() => lease.hold()', replace: 'undefined' },
      {
        file: 'app/reserve-intent.ts',
        find: '(await hasRoom(storage, intent.pool)) && (',
        replace: 'hasRoom.length > 0 && (',
      },
    ],
  },
  {
    name: 'lease-not-asked-again',
    defect:
      'a replica that stood still while it bought goes on with what it has counted, although another has the lease',
    edits: [
      { file: 'jobs/stock-keeper.ts', find: '() => lease.hold()', replace: 'undefined' },
      {
        file: 'app/reserve-intent.ts',
        find: '(await hasRoom(storage, intent.pool)) && (',
        replace: 'hasRoom.length > 0 && (',
      },
    ],
  },
  {
    name: 'vanished-number-kept',
    defect: 'a number that is gone at the provider is still lent',
    edits: [
      {
        file: 'app/reconcile-numbers.ts',
        find: '      await withdrawNumber(app, tenant, row);\n',
        replace: '      void [tenant, withdrawNumber, row];\n',
      },
    ],
  },
  {
    name: 'given-back-in-use',
    defect: 'a number is given back while a session uses it',
    edits: [
      {
        file: 'app/decommission-number.ts',
        find: '(await storage.virtualNumbers.inUse(virtualNumber, now)) ||',
        replace: '(await storage.virtualNumbers.inUse(virtualNumber, now)) === null ||',
      },
    ],
  },
  {
    name: 'budget-not-kept',
    defect: 'an account buys more in a month than it may',
    edits: [
      {
        file: 'app/reserve-intent.ts',
        find: "intent.kind === 'provision' && spent.purchases >= purchases",
        replace: "intent.kind === 'provision' && spent.purchases > purchases",
      },
    ],
  },
  {
    name: 'cap-overdrawn',
    defect: 'each replica takes as much of the hour as it wants',
    edits: [
      {
        file: 'storage/sql/spend-statements.ts',
        find: 'greatest(0, least($4::bigint, ceil((calls_max - calls) / 20.0)::bigint))',
        replace: '$4::bigint',
      },
    ],
  },
];
