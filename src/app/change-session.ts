import { MasklineError } from '../domain/errors.ts';
import { routePairs, routeTerms } from '../domain/route.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import { invariant } from '../lib/assert.ts';
import type { PhoneNumber } from '../privacy/phone-number.ts';
import type { CallerKey, ParticipantKey, TenantKeys } from '../privacy/vault.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { ParticipantRow, SessionRow } from '../storage/session-storage.ts';
import type { App } from './app.ts';
import { checkDestinations } from './check-destinations.ts';
import { OVER_ON_EVERY_CLOCK } from './rest-session.ts';
import { refuseParticipants } from './refuse-participants.ts';
import { routePlace, withCallerKeys } from './route-place.ts';
import { type SessionView, toSessionView } from './session-view.ts';

export interface ChangeSessionParams {
  readonly tenant: string;
  readonly sessionId: string;
  /** from now on */
  readonly expiresInSeconds?: number;
  readonly participant?: NumberChange;
}

interface NumberChange {
  readonly id: string;
  readonly realNumber: PhoneNumber;
  /** when the company last knew that the number is this person's; default: it does not say */
  readonly verifiedAt?: number | null;
}

/**
 * Extends or shortens a session, or changes the real number of one participant.
 * @throws MasklineError MASK_SESSION_CLOSED, MASK_NOT_FOUND (participant), MASK_EQUAL_NUMBERS,
 *   MASK_NUMBER_NOT_ALLOWED, MASK_VIRTUAL_NUMBER_IN_USE, MASK_PERSON_BLOCKED, MASK_NUMBER_NOT_VERIFIED
 */
export async function changeSession(app: App, params: ChangeSessionParams): Promise<SessionView | null> {
  const keys = await app.vault.keysOf(params.tenant);
  const changed = await app.storage.transaction(params.tenant, async (storage) => {
    const found = await storage.sessions.get(params.sessionId);
    if (!found) return null;
    await storage.references.lock(found.reference);
    const session = await storage.sessions.get(params.sessionId);
    invariant(session, 'sessions are not deleted while their order is locked');
    if (session.state === 'closed') {
      throw new MasklineError(
        'MASK_SESSION_CLOSED',
        'A closed session cannot change. Open another assignment.',
      );
    }
    if (params.expiresInSeconds !== undefined) {
      const expiresAt = app.clock.now() + params.expiresInSeconds * 1_000;
      await storage.sessions.setExpiry(session.id, expiresAt);
      await storage.routes.setLiveUntil(session.id, expiresAt);
      // Its time may have been over when somebody was blocked, and what is past is not marked.
      await storage.blocks.stopInSession(session.id);
    }
    if (params.participant) {
      const current = await storage.sessions.get(session.id);
      invariant(current, 'the session was there a moment ago');
      await changeNumber(app, storage, keys, current, params.participant);
    }
    return storage.sessions.get(session.id);
  });
  return changed && toSessionView(keys, changed);
}

async function changeNumber(
  app: App,
  storage: TenantStorage,
  keys: TenantKeys,
  session: SessionRow,
  change: NumberChange,
): Promise<void> {
  const participant = session.participants.find((p) => p.id === change.id);
  if (!participant) {
    throw new MasklineError('MASK_NOT_FOUND', 'The session has no participant by that id.');
  }
  const [indexed, ...others] = keys.callerKeys(change.realNumber);
  const isThisPerson = (key: CallerKey | null) =>
    [indexed, ...others].some((known) => sameKey(key, known.callerKey));
  if (session.participants.some((p) => p !== participant && isThisPerson(p.callerKey))) {
    throw new MasklineError(
      'MASK_EQUAL_NUMBERS',
      'Another participant of this session has that real number.',
    );
  }
  if (isThisPerson(participant.callerKey)) return;
  await checkNewNumber(storage, keys, session, participant, change, app.clock.now());
  const place = { table: 'participant', row: participant.id } as const;
  await storage.sessions.setParticipantNumber(
    session.id,
    participant.id,
    keys.sealNumber(change.realNumber, place, participantKeyOf(participant)),
    indexed,
    change.verifiedAt ?? null,
  );
  if (session.state === 'open') await moveRoutes(app, storage, keys, session, participant, change.realNumber);
}

/** @throws MasklineError MASK_NUMBER_NOT_ALLOWED, MASK_PERSON_BLOCKED, MASK_NUMBER_NOT_VERIFIED */
async function checkNewNumber(
  storage: TenantStorage,
  keys: TenantKeys,
  session: SessionRow,
  participant: ParticipantRow,
  { realNumber, verifiedAt = null }: NumberChange,
  now: number,
): Promise<void> {
  const pool = await storage.pools.get(session.pool);
  invariant(pool, 'a session has a pool');
  const people = session.participants.map((p) => (p === participant ? realNumber : openNumber(keys, p)));
  checkDestinations(pool, people);
  await refuseParticipants(
    storage,
    keys,
    pool,
    [{ realNumber, verifiedAt, userId: participant.userId }],
    now,
  );
}

/** What the person could dial from the old number ends at once; the same from the new number begins. */
async function moveRoutes(
  app: App,
  storage: TenantStorage,
  keys: TenantKeys,
  session: SessionRow,
  participant: ParticipantRow,
  realNumber: PhoneNumber,
): Promise<void> {
  const pool = await storage.pools.get(session.pool);
  invariant(pool, 'a session has a pool');
  const now = app.clock.now();
  const restingUntil = now + pool.pairQuarantineSeconds * 1_000;
  await storage.routes.restOf(session.id, participant.id, OVER_ON_EVERY_CLOCK, restingUntil);
  const numbers = session.participants.map((p) => p.virtualNumber as VirtualNumber);
  const people = session.participants.map((p) => {
    const changed = p.id === participant.id;
    return {
      ...p,
      realNumber: changed ? realNumber : openNumber(keys, p),
      participantKey: participantKeyOf(p),
    };
  });
  const routes = withCallerKeys(keys, routePairs(people, numbers));
  const inserted = await storage.routes.insertAll(
    session.id,
    routes
      .filter((route) => route.calling.id === participant.id)
      .map(({ called, dialled, shown, callerKey, indexKeyId }) => ({
        reference: session.reference,
        virtualNumber: dialled,
        callerKey,
        indexKeyId,
        callingParticipantId: participant.id,
        callingRole: participant.role,
        calledParticipantId: called.id,
        calledRole: called.role,
        sealedDestination: keys.sealNumber(
          called.realNumber,
          routePlace(dialled, callerKey),
          called.participantKey,
        ),
        callingClass: realNumber.numberClass,
        calledClass: called.realNumber.numberClass,
        callerId: shown,
        mode: session.mode,
        liveUntil: session.expiresAt,
        ...routeTerms(pool),
      })),
    now,
  );
  // A block outlives the routes that it was made on.
  await storage.blocks.stopInSession(session.id);
  if (!inserted) {
    throw new MasklineError(
      'MASK_VIRTUAL_NUMBER_IN_USE',
      'The new real number has met a virtual number of this session elsewhere. Close the session and open another assignment.',
    );
  }
  for (const { called, dialled, callerKey } of routes.filter((route) => route.called.id === participant.id)) {
    const sealed = keys.sealNumber(realNumber, routePlace(dialled, callerKey), called.participantKey);
    await storage.routes.setDestination(dialled, callerKey, sealed, realNumber.numberClass);
  }
}

function openNumber(keys: TenantKeys, participant: ParticipantRow): PhoneNumber {
  invariant(participant.sealedNumber, 'an open session has its numbers');
  const place = { table: 'participant', row: participant.id } as const;
  return keys.openNumber(participant.sealedNumber, place, participant.participantKey);
}

function participantKeyOf(participant: ParticipantRow): ParticipantKey {
  invariant(participant.participantKey, 'a session that is not closed has the keys of its participants');
  return participant.participantKey;
}

function sameKey(a: Uint8Array | null, b: Uint8Array): boolean {
  return a !== null && Buffer.compare(a, b) === 0;
}
