import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { changeSession } from '../../src/app/change-session.ts';
import { closeSession } from '../../src/app/close-session.ts';
import { endReference } from '../../src/app/end-reference.ts';
import { expireSessions } from '../../src/app/expire-sessions.ts';
import { servePending } from '../../src/app/serve-pending.ts';
import { person } from '../../src/app/testing/world.ts';
import { MasklineError } from '../../src/domain/errors.ts';
import { ClosedReason } from '../../src/domain/session.ts';
import { openTestPostgres, type TestPostgres } from '../../src/storage/testing/open-test-postgres.ts';
import { openRaceWorld, type RaceWorld } from './race-world.ts';

const ROUNDS = 8;
const ORDERS = 12;

let server: TestPostgres;
let world: RaceWorld | null = null;
beforeAll(async () => {
  server = await openTestPostgres();
});
afterEach(async () => {
  await world?.close();
  world = null;
});
afterAll(() => server?.stop());

/** A rule that refuses is an answer; anything else that comes out of a race is a defect. */
async function settled(work: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) {
    if (result.status === 'rejected' && !(result.reason instanceof MasklineError)) throw result.reason;
  }
}

describe.each(['dedicated', 'shared'] as const)(
  'everything that can happen to one order, at once (%s)',
  (mode) => {
    it(`keeps every invariant over ${ROUNDS} rounds of ${ORDERS} orders`, async () => {
      world = await openRaceWorld(server, {
        numbers: mode === 'dedicated' ? 60 : 30,
        pool: { mode, numberQuarantineSeconds: 0, pairQuarantineSeconds: 0, sessionTtlSeconds: 60 },
      });
      const { app, tenant, clock, assign, check } = world;
      for (let round = 0; round < ROUNDS; round++) {
        const references = Array.from({ length: ORDERS }, (_, i) => `order-${round}-${i}`);
        const opened = await Promise.all(references.map((r, i) => assign(r, [i, 100 + (i % 4)], 1)));
        // From here on all of them are due: reassigning, completing and expiring have the same right to win.
        clock.advance(60_000);
        await settled(
          references.flatMap((reference, i) => {
            const session = opened[i]?.session;
            const sessionId = session?.id ?? '';
            const driver = session?.participants[1]?.id ?? '';
            return [
              assign(reference, [i, 200 + (i % 4)], 2),
              assign(reference, [i, 300 + (i % 4)], 3),
              ...(i % 2 === 0
                ? [
                    endReference(app, {
                      tenant,
                      reference,
                      reason: 'completed',
                      cause: { source: '/orders', eventId: `end-${reference}` },
                    }),
                  ]
                : []),
              expireSessions(app),
              closeSession(app, { tenant, sessionId, reason: ClosedReason.Closed }),
              changeSession(app, {
                tenant,
                sessionId,
                participant: { id: driver, realNumber: person(400 + i) },
              }),
              servePending(app, tenant, 'city'),
            ];
          }),
        );
        await check();
        for (const [i, reference] of references.entries()) {
          const live = await app.storage.run(tenant, (s) => s.sessions.live(reference));
          // The highest assignment wins, unless the order has ended: then nothing lives.
          expect(live?.assignment ?? null, reference).toBe(i % 2 === 0 ? null : 3);
        }
      }
      expect(await world.deadlocks()).toBe(0);
    });
  },
);
