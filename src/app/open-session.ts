import { MasklineError } from '../domain/errors.ts';
import type { Pool } from '../domain/pool.ts';
import { ClosedReason, type SessionMode } from '../domain/session.ts';
import { createId } from '../lib/id.ts';
import type { TenantKeys } from '../privacy/vault.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { NewSession, SessionRow } from '../storage/session-storage.ts';
import type { OutboxEvent } from '../storage/outbox-storage.ts';
import type { App, Cause } from './app.ts';
import { checkDestinations } from './check-destinations.ts';
import { announceClosed, closeLocked } from './close-session.ts';
import { openPending } from './open-pending.ts';
import { raiseEvent, sessionEventData } from './raise-event.ts';
import { refuseParticipants } from './refuse-participants.ts';
import {
  type RequestedParticipant,
  type ResolvedParticipant,
  resolveParticipants,
} from './resolve-participants.ts';
import { type SessionView, toSessionView } from './session-view.ts';

export interface OpenSessionParams {
  readonly tenant: string;
  readonly pool: string;
  readonly reference: string;
  /** null: this moment in milliseconds */
  readonly assignment: number | null;
  readonly mode: SessionMode;
  /** null: the pool's `sessionTtlSeconds` */
  readonly expiresInSeconds: number | null;
  readonly participants: readonly RequestedParticipant[];
  readonly cause: Cause | null;
}

/** What became of an assignment. `existing` is the same assignment asked for again. */
export type OpenOutcome =
  | { readonly outcome: 'opened' | 'pending' | 'existing'; readonly session: SessionView }
  | { readonly outcome: 'superseded' | 'ended' | 'duplicate'; readonly session: SessionView | null };

/**
 * Binds virtual numbers to an assignment of an order. A newer assignment closes the session of the one before in
 * the same transaction, so there is no instant with both and none with neither. When the pool has nothing to
 * spare the session waits as `pending`, which is announced at once, and is served first.
 *
 * @throws MasklineError MASK_UNKNOWN_POOL, MASK_UNKNOWN_USER, MASK_EQUAL_NUMBERS, MASK_NUMBER_NOT_ALLOWED,
 *   MASK_INVALID_REQUEST, MASK_PERSON_BLOCKED, MASK_NUMBER_NOT_VERIFIED
 */
export async function openSession(app: App, params: OpenSessionParams): Promise<OpenOutcome> {
  const { tenant, cause } = params;
  // A topic that is read from its start must not ask the Profile directory about orders of last week.
  if (cause && (await app.storage.run(tenant, (s) => s.inboxKnown(cause.source, cause.eventId)))) {
    return { outcome: 'duplicate', session: null };
  }
  const keys = await app.vault.keysOf(tenant);
  const participants = await resolveParticipants(app, keys, params.participants);
  const result = await app.storage.transaction(tenant, (storage) =>
    openInTransaction(app, storage, keys, params, participants),
  );
  if (result.outcome === 'duplicate') return { outcome: 'duplicate', session: null };
  if (result.replaced) announceClosed(app, result.replaced.pool, ClosedReason.Reassigned);
  if (result.outcome === 'opened' || result.outcome === 'pending')
    announceOpened(app, params.pool, result.outcome);
  const session = result.session ? toSessionView(keys, result.session) : null;
  return { outcome: result.outcome, session } as OpenOutcome;
}

interface Opened {
  readonly outcome: OpenOutcome['outcome'];
  readonly session: SessionRow | null;
  readonly replaced: SessionRow | null;
}

async function openInTransaction(
  app: App,
  storage: TenantStorage,
  keys: TenantKeys,
  params: OpenSessionParams,
  participants: readonly ResolvedParticipant[],
): Promise<Opened> {
  const { reference, cause } = params;
  const nothing = { session: null, replaced: null };
  if (cause && !(await storage.inboxInsert(cause.source, cause.eventId, app.clock.now()))) {
    return { outcome: 'duplicate', ...nothing };
  }
  const pool = await poolFor(storage, params.pool);
  checkDestinations(pool, participants);
  await refuseParticipants(storage, keys, pool, participants, app.clock.now());
  const assignment = params.assignment ?? app.clock.now();
  const known = await storage.references.lock(reference);
  if (known.endedReason !== null) return { outcome: 'ended', ...nothing };
  if (known.highestAssignment !== null && assignment <= known.highestAssignment) {
    const session = await storage.sessions.byAssignment(reference, assignment);
    return { outcome: session ? 'existing' : 'superseded', session, replaced: null };
  }
  const events: OutboxEvent[] = [];
  const replaced = await storage.sessions.live(reference);
  if (replaced) events.push(await closeLocked(app, storage, replaced, ClosedReason.Reassigned));
  await storage.references.setHighestAssignment(reference, pool.name, assignment);

  // Those who wait are served before anybody new: this session joins the queue and is tried with it.
  const othersWait = (await storage.sessions.countPending(pool.name)) > 0;
  const created = newSession(app, params, pool, assignment, participants);
  await storage.sessions.insert(created);
  const opened = othersWait
    ? null
    : await openPending(app, storage, keys, pool, { ...created, participants });
  const session = await storage.sessions.get(created.id);
  if (!session) throw new Error('A session is gone within the transaction that made it.');
  events.push(...(opened ? [opened] : pendingEvents(app, session)));
  await storage.outboxAppend(events);
  return { outcome: opened ? 'opened' : 'pending', session, replaced };
}

async function poolFor(storage: TenantStorage, name: string): Promise<Pool> {
  const pool = await storage.pools.get(name);
  if (!pool) {
    throw new MasklineError(
      'MASK_UNKNOWN_POOL',
      `There is no pool "${name}". Create it with POST /v1/pools.`,
    );
  }
  return pool;
}

function newSession(
  app: App,
  params: OpenSessionParams,
  pool: Pool,
  assignment: number,
  participants: readonly ResolvedParticipant[],
): NewSession {
  const createdAt = app.clock.now();
  const ttlSeconds = params.expiresInSeconds ?? pool.sessionTtlSeconds;
  return {
    id: createId('ses', app.clock, app.random),
    reference: params.reference,
    assignment,
    pool: pool.name,
    mode: params.mode,
    state: 'pending',
    createdAt,
    expiresAt: createdAt + ttlSeconds * 1_000,
    closedAt: null,
    closedReason: null,
    participants,
  };
}

export function pendingEvents(app: App, session: SessionRow): OutboxEvent[] {
  const { id: sessionId, reference, pool } = session;
  return [
    raiseEvent(app, 'session.pending', reference, sessionEventData(session)),
    raiseEvent(app, 'pool.exhausted', reference, { pool, sessionId, reference }),
  ];
}

/** After the commit: counts them, and lets the loops know. */
export function announceOpened(app: App, pool: string, outcome: 'opened' | 'pending', count = 1): void {
  if (outcome === 'opened') app.metrics.sessionsOpened.inc({ pool }, count);
  else app.metrics.sessionsPending.inc({ pool }, count);
  app.wake.outbox.raise();
  app.wake.stock.raise();
  if (outcome === 'pending') app.wake.pending.raise();
}
