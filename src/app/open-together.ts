import type { TenantKeys } from '../privacy/vault.ts';
import type { App, Cause } from './app.ts';
import { LotsByKind } from './lots-by-kind.ts';
import { type OpenOutcome, type OpenSessionParams, openSession } from './open-session.ts';
import { type AssignmentRequest, type AssignmentResult, openSessions } from './open-sessions.ts';
import { type ResolvedParticipant, resolveParticipants } from './resolve-participants.ts';
import { toSessionView } from './session-view.ts';

export interface TogetherParams extends Omit<OpenSessionParams, 'cause'> {
  readonly cause: Cause | null;
  /** null: every participant's number is given, and is sealed when the lot's turn comes */
  readonly resolved: readonly ResolvedParticipant[] | null;
}

/** What becomes of one of a lot does not touch the others. */
type Result = AssignmentResult | { readonly error: unknown };

const lots = new LotsByKind<TogetherParams, Result>('assignments');

/**
 * Does what is usual about an assignment together with others that are asked for at the same time. `deferred`:
 * nothing was done; `openSession` can do everything.
 * @throws MasklineError as `openSession`
 */
export async function openTogether(app: App, params: TogetherParams): Promise<AssignmentResult> {
  const { tenant, pool, mode, expiresInSeconds } = params;
  const kind = JSON.stringify([tenant, pool, mode, expiresInSeconds]);
  const handle = (waiting: readonly TogetherParams[]) =>
    openLot(app, tenant, { pool, mode, expiresInSeconds }, waiting);
  const result = await lots.ask(app.storage, kind, handle, params);
  if ('error' in result) throw result.error;
  return result;
}

/** `openSession` for whoever asks one by one, while others do the same. @throws as `openSession` */
export async function openOneTogether(app: App, params: OpenSessionParams): Promise<OpenOutcome> {
  const { outcome, session } = await openTogether(app, { ...params, resolved: null });
  // Whatever made no session has a reason to give, which takes a closer look.
  if (outcome !== 'applied' || session === null) return openSession(app, params);
  const keys = await app.vault.keysOf(params.tenant);
  const view = toSessionView(keys, session);
  return { outcome: session.state === 'open' ? 'opened' : 'pending', session: view };
}

/** Sealing waits until the lot's turn comes, so that the database works on one lot while the next is sealed. */
async function openLot(
  app: App,
  tenant: string,
  terms: Parameters<typeof openSessions>[2],
  waiting: readonly TogetherParams[],
): Promise<Result[]> {
  const keys = await app.vault.keysOf(tenant);
  const results: Result[] = waiting.map(() => ({ outcome: 'deferred', session: null }));
  const places: number[] = [];
  const requests: AssignmentRequest[] = [];
  for (const [place, params] of waiting.entries()) {
    try {
      requests.push(await toRequest(app, keys, params));
      places.push(place);
    } catch (error) {
      results[place] = { error };
    }
  }
  if (requests.length === 0) return results;
  const made = await openSessions(app, tenant, terms, requests);
  for (const [i, place] of places.entries()) results[place] = made[i] as AssignmentResult;
  return results;
}

async function toRequest(app: App, keys: TenantKeys, params: TogetherParams): Promise<AssignmentRequest> {
  const { reference, assignment, cause, resolved } = params;
  const participants = resolved ?? (await resolveParticipants(app, keys, params.participants));
  return { reference, assignment: assignment ?? app.clock.now(), participants, cause };
}
