import type { Mutant } from './mutant.ts';

export const ORDER_MUTANTS: readonly Mutant[] = [
  {
    name: 'inbox-outside-the-transaction',
    defect: 'the event is noted as applied before, and not with, what it asks for',
    edits: [
      {
        file: 'app/end-reference.ts',
        find: `  const result = await app.storage.transaction(tenant, async (storage) => {
    if (!(await storage.inboxInsert(cause.source, cause.eventId, app.clock.now()))) return 'duplicate';
`,
        replace: `  const isNew = await app.storage.run(tenant, (s) => s.inboxInsert(cause.source, cause.eventId, app.clock.now()));
  if (!isNew) return 'duplicate';
  const result = await app.storage.transaction(tenant, async (storage): Promise<'duplicate' | { closedPool: string | null }> => {
`,
      },
      {
        file: 'app/change-together.ts',
        find: `    const fresh = await app.storage.transaction(tenant, async (storage) => {
      const events = lot.map(({ cause }) => cause);
      const noted = await storage.assignments.inboxInsert(events, app.clock.now());
`,
        replace: `    const events = lot.map(({ cause }) => cause);
    const noted = await app.storage.run(tenant, (s) => s.assignments.inboxInsert(events, app.clock.now()));
    const fresh = await app.storage.transaction(tenant, async (storage) => {
`,
      },
    ],
  },
  {
    name: 'offset-before-commit',
    defect: 'a batch is confirmed before its effects are committed',
    edits: [
      {
        file: 'consumers/orders.ts',
        find: 'const failure = (await Promise.allSettled(chains)).find',
        replace:
          'void Promise.allSettled(chains);\n    const failure = (await Promise.allSettled<void>([])).find',
      },
    ],
  },
  {
    name: 'gives-up-on-storage',
    defect: 'an event that the database could not take in time is dropped',
    edits: [
      {
        file: 'consumers/orders.ts',
        find: 'if (last || waits.aborted) throw trouble.error;',
        replace: 'if (last || waits.aborted) return;',
      },
    ],
  },
  {
    name: 'poison-blocks-the-partition',
    defect: 'what cannot be read is tried for ever',
    edits: [
      {
        file: 'consumers/orders.ts',
        find: "if (!read.ok) return bury(message, read, 'unknown');",
        replace: "if (!read.ok) throw new StorageError('other', read.detail);",
      },
    ],
  },
  {
    name: 'unknown-commit-is-permanent',
    defect: 'an event whose commit is in doubt becomes a dead letter',
    edits: [
      { file: 'consumers/orders.ts', find: "    case 'commit_unknown':\n", replace: '' },
      {
        file: 'consumers/orders.ts',
        find: "    case 'constraint':\n    case 'other':",
        replace: "    case 'commit_unknown':\n    case 'constraint':\n    case 'other':",
      },
    ],
  },
  {
    name: 'epoch-forgotten',
    defect: 'of two assignments the one that arrives last wins, not the higher',
    edits: [
      {
        file: 'app/open-session.ts',
        find: 'assignment <= known.highestAssignment',
        replace: 'assignment === known.highestAssignment',
      },
    ],
  },
  {
    name: 'tombstone-ignored',
    defect: 'an assignment that arrives after the end of its order opens a session',
    edits: [
      {
        file: 'app/open-session.ts',
        find: "  if (known.endedReason !== null) return { outcome: 'ended', ...nothing };\n",
        replace: '',
      },
    ],
  },
  {
    name: 'no-tombstone-for-the-unknown',
    defect: 'the end of an order that has no session yet is forgotten',
    edits: [
      {
        file: 'app/end-reference.ts',
        find: `    await storage.references.end(reference, reason, app.clock.now());
    const live = await storage.sessions.live(reference);
    if (!live) return { closedPool: null };
`,
        replace: `    const live = await storage.sessions.live(reference);
    if (!live) return { closedPool: null };
    await storage.references.end(reference, reason, app.clock.now());
`,
      },
    ],
  },
  {
    name: 'reassigned-in-two',
    defect: 'the session of the driver before ends after, and not with, the beginning of the next',
    edits: [
      {
        file: 'app/open-session.ts',
        find: `  if (replaced) events.push(await closeLocked(app, storage, replaced, ClosedReason.Reassigned));
`,
        replace:
          '  if (replaced) await storage.sessions.close(replaced.id, app.clock.now(), ClosedReason.Reassigned);\n',
      },
    ],
  },
  {
    name: 'announced-after-commit',
    defect: 'the outbox row of an end is written after, and not with, the end',
    edits: [
      {
        file: 'app/close-session.ts',
        find: `    await storage.outboxAppend([event]);
    return { session: await storage.sessions.get(session.id), event };
  });
`,
        replace: `    return { session: await storage.sessions.get(session.id), event };
  });
  const late = closed?.event;
  if (late) await app.storage.run(params.tenant, (storage) => storage.outboxAppend([late]));
`,
      },
    ],
  },
  {
    name: 'deleted-before-published',
    defect: 'the outbox forgets an event before the bus has it',
    edits: [
      {
        file: 'jobs/outbox-publisher.ts',
        find: `        await deps.bus.publish(deps.topic, rows.map(deps.encode));
        await app.storage.system.outboxDelete(rows.map((row) => row.id));
`,
        replace: `        await app.storage.system.outboxDelete(rows.map((row) => row.id));
        await deps.bus.publish(deps.topic, rows.map(deps.encode));
`,
      },
    ],
  },
  {
    name: 'expiry-never-looks',
    defect: 'sessions whose end never arrives are kept for ever',
    edits: [
      {
        file: 'app/expire-sessions.ts',
        find: 'app.clock.now(), LIMITS.expiryBatch)',
        replace: '0, LIMITS.expiryBatch)',
      },
    ],
  },
];
