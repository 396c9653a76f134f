import type { Mutant } from './mutant.ts';

const ROUTES = 'storage/sql/route-statements.ts';

export const CALL_MUTANTS: readonly Mutant[] = [
  {
    name: 'end-forgets-one-route',
    defect: 'the end of a session forgets one of its routes',
    edits: [
      {
        file: ROUTES,
        find: '  `update route set live_until = least(live_until, $3), resting_until = $4\n    where tenant = $1 and session_id = $2`',
        replace:
          "  `update route set live_until = least(live_until, $3), resting_until = $4\n    where tenant = $1 and session_id = $2 and calling_role <> 'driver'`",
      },
    ],
  },
  {
    name: 'grace-for-everybody',
    defect: 'a cancelled order still connects, as a completed one may',
    edits: [
      {
        file: 'app/rest-session.ts',
        find: 'closed.reason === ClosedReason.Completed ? pool',
        replace: 'closed.reason !== ClosedReason.Expired ? pool',
      },
    ],
  },
  {
    name: 'decision-cached-past-revocation',
    defect: 'a route that was found is remembered for a minute',
    edits: [
      {
        file: 'app/decide-route.ts',
        find: 'export async function decideRoute(app: App, question: RouteQuestion, callId: string): Promise<RoutedCall> {',
        replace: `const remembered = new Map<string, { until: number; found: { numberKnown: boolean; route: FoundRoute | null } }>();
export async function decideRoute(app: App, question: RouteQuestion, callId: string): Promise<RoutedCall> {`,
      },
      {
        file: 'app/decide-route.ts',
        find: `  const found =
    calledNumber === null`,
        replace: `  const cacheKey = \`\${calledNumber} \${callerKey ? Buffer.from(callerKey).toString('hex') : ''}\`;
  const cached = remembered.get(cacheKey);
  const found = cached && cached.until > now ? cached.found :
    calledNumber === null`,
      },
      {
        file: 'app/decide-route.ts',
        find: '  const chosen = await choose(',
        replace:
          '  if (found.route) remembered.set(cacheKey, { until: now + 60_000, found });\n  const chosen = await choose(',
      },
    ],
  },
  {
    name: 'expired-a-moment-late',
    defect: 'a session still connects at the instant at which it has expired',
    edits: [
      {
        file: 'domain/route.ts',
        find: 'facts.now >= facts.route.liveUntil',
        replace: 'facts.now > facts.route.liveUntil',
      },
    ],
  },
  {
    name: 'replay-past-revocation',
    defect: 'a question that was answered is answered again, although the session has ended since',
    edits: [
      {
        file: 'storage/sql/call-statements.ts',
        find: 'r.session_id = c.session_id and r.live_until > $4',
        replace: 'r.session_id = c.session_id and $4::timestamptz is not null',
      },
    ],
  },
  {
    name: 'replay-for-anybody',
    defect: 'a captured call id is worth the destination to whoever shows it',
    edits: [
      {
        file: 'app/replay-decision.ts',
        find: 'asked.find((key) => decided && sameKey(decided.callerKey, key));',
        replace: 'sameKey(null, null) ? decided?.callerKey : asked[0];',
      },
    ],
  },
  {
    name: 'replay-for-ever',
    defect: 'a question is answered again after its minute',
    edits: [
      {
        file: 'app/replay-decision.ts',
        find: 'now - decided.startedAt <= LIMITS.answerReplaySeconds * 1_000 && ',
        replace: '',
      },
    ],
  },
  {
    name: 'replay-after-the-end',
    defect: 'a question is answered again although the call is over',
    edits: [{ file: 'app/replay-decision.ts', find: " && decided.state !== 'ended';", replace: ';' }],
  },
  {
    name: 'late-decision-not-withdrawn',
    defect: 'whoever heard that it took too long is connected when asking again',
    edits: [
      {
        file: 'app/route-call.ts',
        find: 'if (isNeutral) takeBack(app, question, callId, deciding);',
        replace: 'if (isNeutral) takeBack.length;',
      },
    ],
  },
  {
    name: 'account-not-checked',
    defect: 'an account may ask about the numbers of another',
    edits: [
      {
        file: ROUTES,
        find: 'and ($4::text is null or v.provider_account = $4)',
        replace: 'and ($4::text is null or true)',
      },
    ],
  },
  {
    name: 'signature-not-checked',
    defect: 'a question is answered whoever has signed it',
    edits: [
      {
        file: 'http/webhooks/authenticate-webhook.ts',
        find: "throw refuse(app, 'not_authentic');",
        replace: "refuse(app, 'not_authentic');",
      },
    ],
  },
  {
    name: 'old-phone-still-connects',
    defect: 'a participant who has changed phones can still be reached for from the old one',
    edits: [
      {
        file: 'app/change-session.ts',
        find: 'await storage.routes.restOf(session.id, participant.id, OVER_ON_EVERY_CLOCK, restingUntil);',
        replace: 'void restingUntil;',
      },
    ],
  },
  {
    name: 'routes-outlive-their-session',
    defect: 'a session that is shortened connects until its first end',
    edits: [
      {
        file: 'app/change-session.ts',
        find: 'await storage.routes.setLiveUntil(session.id, expiresAt);',
        replace: '',
      },
    ],
  },
  {
    name: 'ended-twice',
    defect: 'a callback that is repeated ends the call again',
    edits: [
      {
        file: 'domain/call.ts',
        find: "      if (call.state === 'ended' && call.termination !== Termination.Unreported) return null;\n",
        replace: '',
      },
    ],
  },
  {
    name: 'lost-ends-stay-lost',
    defect: 'a call whose end was never reported stays open',
    edits: [
      {
        file: 'jobs/call-closer.ts',
        find: 'while (!signal.aborted && (await closeOverdueCalls(app)) === LIMITS.expiryBatch);',
        replace: 'void [signal, closeOverdueCalls, LIMITS];',
      },
      {
        file: 'jobs/call-closer.ts',
        find: 'await settleQuietCalls(app);',
        replace: 'void [app, settleQuietCalls];',
      },
    ],
  },
  {
    name: 'end-by-one-clock',
    defect: 'an end without grace holds from the moment that the clock of the replica shows which wrote it',
    edits: [
      {
        file: 'app/rest-session.ts',
        find: 'grace === 0 ? OVER_ON_EVERY_CLOCK : liveUntil',
        replace: 'grace < 0 ? OVER_ON_EVERY_CLOCK : liveUntil',
      },
    ],
  },
  {
    name: 'late-twin-takes-back',
    defect: 'of two questions about one call the late one takes back what the other was told',
    edits: [
      {
        file: 'app/withdraw-late.ts',
        find: 'if ((await storage.calls.untell(call.id)) > 0) return;',
        replace: '',
      },
    ],
  },
  {
    name: 'concurrent-calls-not-counted',
    defect: 'a caller may have any number of calls at a time',
    edits: [
      {
        file: 'app/call-record.ts',
        find: 'return { concurrentCallsMax, hourlyAttemptsMax',
        replace: 'return { concurrentCallsMax: concurrentCallsMax + 1_000, hourlyAttemptsMax',
      },
    ],
  },
];
