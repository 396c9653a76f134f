import type { CallStorage } from '../call-storage.ts';
import type { RouteStorage } from '../route-storage.ts';
import { callLots } from './call-lot.ts';
import type { Database } from './connection.ts';
import { routeLots } from './route-lot.ts';

/** The two statements that every call needs, each sent together with those of calls that come at the same moment. */
export interface GatheredStatements {
  readonly lookup: RouteStorage['lookup'];
  readonly insertCall: CallStorage['insert'];
}

/** For statements that are transactions of their own; within a transaction nothing is gathered. */
export function gatheredStatements(database: Database): (tenant: string) => GatheredStatements {
  const routes = routeLots(database);
  const calls = callLots(database);
  return (tenant) => ({
    lookup: (question) => routes.ask(tenant, question),
    insertCall: (call, announced, limits) => calls.ask(tenant, { call, announced, limits }),
  });
}
