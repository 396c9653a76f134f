import { MasklineError } from '../domain/errors.ts';
import { createId } from '../lib/id.ts';
import type { SessionBlock } from '../storage/block-storage.ts';
import type { SessionRow } from '../storage/session-storage.ts';
import type { App } from './app.ts';
import { appendAudit } from './audit.ts';
import { chooseParticipant } from './choose-participant.ts';

export interface BlockParticipantParams {
  readonly tenant: string;
  readonly actor: string;
  readonly sessionId: string;
  /** who wants to be left alone */
  readonly participantId: string;
  /** id or role of who shall not reach them any more */
  readonly blocks: string;
}

/**
 * The block button: from the commit on `blocks` does not reach `participantId` in this session, by call or text.
 * The other way stays open, so that whoever blocks can still ask where the parcel is.
 * @throws MasklineError MASK_NOT_FOUND, MASK_SESSION_CLOSED, MASK_INVALID_REQUEST
 */
export async function blockParticipant(app: App, params: BlockParticipantParams): Promise<SessionBlock> {
  const { tenant, actor, sessionId } = params;
  const keys = await app.vault.keysOf(tenant);
  return app.storage.transaction(tenant, async (storage) => {
    const found = await storage.sessions.get(sessionId);
    if (!found) throw noSession();
    // So that no route of the session is being made meanwhile.
    await storage.references.lock(found.reference);
    const session = await storage.sessions.get(sessionId);
    if (!session) throw noSession();
    if (session.state === 'closed') {
      throw new MasklineError('MASK_SESSION_CLOSED', 'Nobody is reached through a closed session.');
    }
    const { blocking, blocked } = chooseBoth(session, params);
    const block = await storage.blocks.insertInSession({
      id: createId('sbl', app.clock, app.random),
      sessionId,
      blockingParticipantId: blocking,
      blockedParticipantId: blocked,
      createdAt: app.clock.now(),
    });
    await storage.blocks.stopInSession(sessionId);
    const details = { participantId: blocking, blockedParticipantId: blocked };
    await appendAudit(app, storage, keys, {
      actor,
      action: 'participant.blocked',
      subject: sessionId,
      details,
    });
    return block;
  });
}

/** @throws MasklineError MASK_NOT_FOUND */
export async function unblockParticipant(
  app: App,
  asked: { readonly tenant: string; readonly actor: string; readonly sessionId: string; readonly id: string },
): Promise<SessionBlock> {
  const { tenant, actor, sessionId, id } = asked;
  const keys = await app.vault.keysOf(tenant);
  return app.storage.transaction(tenant, async (storage) => {
    const block = await storage.blocks.deleteInSession(sessionId, id);
    if (!block) throw new MasklineError('MASK_NOT_FOUND', 'The session has no block by that id.');
    await storage.blocks.lift(id);
    const details = {
      participantId: block.blockingParticipantId,
      blockedParticipantId: block.blockedParticipantId,
    };
    const act = { actor, action: 'participant.unblocked', subject: sessionId, details };
    await appendAudit(app, storage, keys, act);
    return block;
  });
}

function chooseBoth(
  session: SessionRow,
  { participantId, blocks }: BlockParticipantParams,
): { readonly blocking: string; readonly blocked: string } {
  const blocking = chooseParticipant(session, participantId);
  const blocked = chooseParticipant(session, blocks);
  if (blocking.id === blocked.id) {
    throw new MasklineError('MASK_INVALID_REQUEST', 'Nobody can block themselves. Name another participant.');
  }
  return { blocking: blocking.id, blocked: blocked.id };
}

function noSession(): MasklineError {
  return new MasklineError('MASK_NOT_FOUND', 'There is no session by that id.');
}
