import { MasklineError } from '../domain/errors.ts';
import { createId } from '../lib/id.ts';
import type { PhoneNumber } from '../privacy/phone-number.ts';
import type { NewCallIntent } from '../storage/step-up-storage.ts';
import type { ParticipantRow, SessionRow } from '../storage/session-storage.ts';
import type { App } from './app.ts';
import { chooseParticipant } from './choose-participant.ts';
import { LIMITS } from './limits.ts';

export interface AnnounceCallParams {
  readonly tenant: string;
  readonly sessionId: string;
  /** id or role */
  readonly caller: string;
  /** id or role; null where only one other can be meant */
  readonly callee: string | null;
  /** null: any that is not known */
  readonly callingNumber: PhoneNumber | null;
}

/**
 * The app says that a participant is about to call. For LIMITS.callIntentSeconds one call to the number that they
 * would dial is theirs, although its number is not known, withheld, or not verified enough.
 * @throws MasklineError MASK_NOT_FOUND, MASK_SESSION_CLOSED, MASK_INVALID_REQUEST, MASK_STEP_UP_OFF
 */
export async function announceCall(app: App, params: AnnounceCallParams): Promise<NewCallIntent> {
  const { tenant, sessionId, callingNumber } = params;
  const keys = await app.vault.keysOf(tenant);
  return app.storage.transaction(tenant, async (storage) => {
    const session = await storage.sessions.get(sessionId);
    if (!session) throw new MasklineError('MASK_NOT_FOUND', 'There is no session by that id.');
    const caller = chooseParticipant(session, params.caller);
    const callee = chooseCallee(session, caller, params.callee);
    const now = app.clock.now();
    const way = await storage.stepUp.wayBetween(sessionId, caller.id, callee.id);
    if (!way || way.liveUntil <= now) {
      throw new MasklineError('MASK_SESSION_CLOSED', 'Nobody is reached through this session now.');
    }
    if (way.stepUp === 'none') {
      throw new MasklineError('MASK_STEP_UP_OFF', 'Set `stepUp` of the pool to "intent" or "pin".');
    }
    const intent: NewCallIntent = {
      id: createId('int', app.clock, app.random),
      sessionId,
      participantId: caller.id,
      virtualNumber: way.virtualNumber,
      routeKey: way.routeKey,
      callerKey: callingNumber && keys.callerKey(callingNumber),
      createdAt: now,
      expiresAt: now + LIMITS.callIntentSeconds * 1_000,
    };
    await storage.stepUp.insertIntent(intent);
    return intent;
  });
}

function chooseCallee(session: SessionRow, caller: ParticipantRow, named: string | null): ParticipantRow {
  if (named !== null) {
    const callee = chooseParticipant(session, named);
    if (callee.id !== caller.id) return callee;
    throw new MasklineError('MASK_INVALID_REQUEST', 'Nobody can call themselves. Name another participant.');
  }
  const [callee, ...others] = session.participants.filter(({ id }) => id !== caller.id);
  if (!callee || others.length > 0) {
    throw new MasklineError('MASK_INVALID_REQUEST', 'Say whom they call: `to`, by id or role.');
  }
  return callee;
}
