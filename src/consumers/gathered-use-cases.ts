import type { App } from '../app/app.ts';
import { endTogether } from '../app/end-together.ts';
import { openTogether } from '../app/open-together.ts';
import { placeTogether } from '../app/place-together.ts';
import { type ResolvedParticipant, resolveParticipants } from '../app/resolve-participants.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import { orderUseCases, toEndReference, toOpenSession, toPlaceReference } from './order-use-cases.ts';
import type { OrderUseCases } from './orders.ts';

const SINGLE = 8;
/** Questions to the Profile directory at a time; each may take as long as LIMITS.profileTimeoutMs. */
const LOOK_UPS = 32;

type AssignCommand = Parameters<OrderUseCases['assignDriver']>[0];

/**
 * The use cases of orders for a busy topic: what happens to different orders at one time is applied together, each kind
 * of event for itself. What that cannot do is done one by one, with every rule and refusal of a single event.
 */
export function gatheredUseCases(app: App): OrderUseCases {
  const single = orderUseCases(app);
  const limit = new ConcurrencyLimit(SINGLE);
  const lookUps = new ConcurrencyLimit(LOOK_UPS);
  return {
    together: true,
    known: (tenant, events) => app.storage.run(tenant, (storage) => storage.assignments.inboxKnown(events)),
    async placeOrder(command) {
      const outcome = await placeTogether(app, toPlaceReference(command));
      return outcome === 'deferred' ? limit.run(() => single.placeOrder(command)) : outcome;
    },
    async endOrder(command) {
      const outcome = await endTogether(app, toEndReference(command));
      return outcome === 'deferred' ? limit.run(() => single.endOrder(command)) : outcome;
    },
    async assignDriver(command) {
      const asks = command.participants.some(({ realNumber }) => realNumber === null);
      const resolved = asks ? await lookUps.run(() => resolve(app, command)) : null;
      const { outcome } = await openTogether(app, { ...toOpenSession(command), resolved });
      return outcome === 'deferred' ? limit.run(() => single.assignDriver(command)) : outcome;
    },
  };
}

async function resolve(app: App, { tenant, participants }: AssignCommand): Promise<ResolvedParticipant[]> {
  return resolveParticipants(app, await app.vault.keysOf(tenant), participants);
}
