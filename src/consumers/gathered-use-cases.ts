import type { App } from '../app/app.ts';
import { type AssignmentOutcome, type AssignmentRequest, openSessions } from '../app/open-sessions.ts';
import { type ResolvedParticipant, resolveParticipants } from '../app/resolve-participants.ts';
import type { TenantKeys } from '../privacy/vault.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import { Gather } from './gather.ts';
import { orderUseCases } from './order-use-cases.ts';
import type { OrderUseCases } from './orders.ts';

/** Assignments in one transaction: more make it longer than anybody who waits for one of its orders would like. */
const LOT = 200;
/** One lot is prepared while the database works on the other. */
const LOTS = 2;
const SINGLE = 8;
/** Questions to the Profile directory at a time; each may take as long as LIMITS.profileTimeoutMs. */
const LOOK_UPS = 32;

type AssignCommand = Parameters<OrderUseCases['assignDriver']>[0];

interface Waiting {
  readonly command: AssignCommand;
  /** null: the event has every number, so that nobody has to be asked */
  readonly participants: readonly ResolvedParticipant[] | null;
}

/** What becomes of one of a lot does not touch the others. */
type Outcome = { readonly outcome: AssignmentOutcome } | { readonly error: unknown };

/**
 * The use cases of orders for a busy topic: assignments of different orders that arrive together are applied
 * together. What that cannot do is done one by one, with every rule and refusal of a single assignment.
 */
export function gatheredUseCases(app: App): OrderUseCases {
  const single = orderUseCases(app);
  const limit = new ConcurrencyLimit(SINGLE);
  const lookUps = new ConcurrencyLimit(LOOK_UPS);
  const gathers = new Map<string, Gather<Waiting, Outcome>>();

  function gatherOf(tenant: string, pool: string): Gather<Waiting, Outcome> {
    const key = `${tenant}/${pool}`;
    let gather = gathers.get(key);
    if (!gather) {
      gather = new Gather({
        sizeMaximum: LOT,
        concurrency: LOTS,
        handle: (waiting) => openLot(app, tenant, pool, waiting),
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
      const { tenant, pool } = command;
      const asks = command.participants.some(({ realNumber }) => realNumber === null);
      const participants = asks ? await lookUps.run(() => resolve(app, command)) : null;
      const result = await gatherOf(tenant, pool).ask({ command, participants });
      if ('error' in result) throw result.error;
      return result.outcome === 'deferred' ? limit.run(() => single.assignDriver(command)) : result.outcome;
    },
  };
}

/** Sealing waits until the lot's turn comes, so that the database works on one lot while the next is sealed. */
async function openLot(
  app: App,
  tenant: string,
  pool: string,
  waiting: readonly Waiting[],
): Promise<Outcome[]> {
  const keys = await app.vault.keysOf(tenant);
  const outcomes: Outcome[] = waiting.map(() => ({ outcome: 'deferred' }));
  const places: number[] = [];
  const requests: AssignmentRequest[] = [];
  for (const [place, { command, participants }] of waiting.entries()) {
    const { source, eventId, orderId: reference, assignment } = command;
    try {
      const resolved = participants ?? (await resolveParticipants(app, keys, command.participants));
      requests.push({ reference, assignment, participants: resolved, cause: { source, eventId } });
      places.push(place);
    } catch (error) {
      outcomes[place] = { error };
    }
  }
  if (requests.length === 0) return outcomes;
  const applied = await openSessions(app, tenant, pool, requests);
  for (const [i, place] of places.entries()) outcomes[place] = { outcome: applied[i] ?? 'deferred' };
  return outcomes;
}

async function resolve(app: App, { tenant, participants }: AssignCommand): Promise<ResolvedParticipant[]> {
  const keys: TenantKeys = await app.vault.keysOf(tenant);
  return resolveParticipants(app, keys, participants);
}
