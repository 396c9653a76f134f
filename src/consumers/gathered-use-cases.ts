import type { App } from '../app/app.ts';
import { type AssignmentOutcome, type AssignmentRequest, openSessions } from '../app/open-sessions.ts';
import { resolveParticipants } from '../app/resolve-participants.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import { Gather } from './gather.ts';
import { orderUseCases } from './order-use-cases.ts';
import type { OrderUseCases } from './orders.ts';

/** Assignments in one transaction: more make it longer than anybody who waits for one of its orders would like. */
const LOT = 200;
/** One lot is prepared while the database works on the other. */
const LOTS = 2;
const SINGLE = 8;

/**
 * The use cases of orders for a busy topic: assignments of different orders that arrive together are applied
 * together. What that cannot do is done one by one, with every rule and refusal of a single assignment.
 */
export function gatheredUseCases(app: App): OrderUseCases {
  const single = orderUseCases(app);
  const limit = new ConcurrencyLimit(SINGLE);
  const gathers = new Map<string, Gather<AssignmentRequest, AssignmentOutcome>>();

  function gatherOf(tenant: string, pool: string): Gather<AssignmentRequest, AssignmentOutcome> {
    const key = `${tenant}/${pool}`;
    let gather = gathers.get(key);
    if (!gather) {
      gather = new Gather({
        sizeMaximum: LOT,
        concurrency: LOTS,
        handle: (requests) => openSessions(app, tenant, pool, requests),
      });
      // Events may name pools that are none; those names are not kept.
      if (gathers.size > 1_000) gathers.clear();
      gathers.set(key, gather);
    }
    return gather;
  }

  return {
    ...single,
    assignsTogether: true,
    known: (tenant, events) => app.storage.run(tenant, (storage) => storage.assignments.inboxKnown(events)),
    async assignDriver(command) {
      const { tenant, source, eventId, orderId: reference, pool, assignment } = command;
      const keys = await app.vault.keysOf(tenant);
      const participants = await resolveParticipants(app, keys, command.participants);
      const request = { reference, assignment, participants, cause: { source, eventId } };
      const outcome = await gatherOf(tenant, pool).ask(request);
      return outcome === 'deferred' ? limit.run(() => single.assignDriver(command)) : outcome;
    },
  };
}
