import { MasklineError } from '../domain/errors.ts';
import { pinDigits } from '../domain/step-up.ts';
import type { Random } from '../lib/random.ts';
import type { TenantKeys } from '../privacy/vault.ts';
import type { App } from './app.ts';
import { appendAudit } from './audit.ts';
import { chooseParticipant } from './choose-participant.ts';

export interface CreatePinParams {
  readonly tenant: string;
  readonly actor: string;
  readonly sessionId: string;
  /** id or role */
  readonly participant: string;
}

export interface NewPin {
  readonly sessionId: string;
  readonly participantId: string;
  readonly pin: string;
}

/**
 * Makes the PIN of a participant, in the place of the one before. It is told once and kept as a keyed hash.
 * @throws MasklineError MASK_NOT_FOUND, MASK_SESSION_CLOSED, MASK_INVALID_REQUEST, MASK_STEP_UP_OFF
 */
export async function createPin(app: App, params: CreatePinParams): Promise<NewPin> {
  const { tenant, actor, sessionId } = params;
  const keys = await app.vault.keysOf(tenant);
  return app.storage.transaction(tenant, async (storage) => {
    const session = await storage.sessions.get(sessionId);
    if (!session) throw new MasklineError('MASK_NOT_FOUND', 'There is no session by that id.');
    if (session.state === 'closed') {
      throw new MasklineError('MASK_SESSION_CLOSED', 'Nobody is reached through a closed session.');
    }
    const { id: participantId } = chooseParticipant(session, params.participant);
    const pool = await storage.pools.get(session.pool);
    if (pool?.stepUp !== 'pin') {
      throw new MasklineError('MASK_STEP_UP_OFF', 'Set `stepUp` of the pool to "pin".');
    }
    const digits = pinDigits(pool.mode === 'shared');
    const pin = randomDigits(app.random, digits);
    const hash = pinHash(keys, sessionId, participantId, pin);
    await storage.stepUp.setPin(sessionId, participantId, { hash, digits }, app.clock.now());
    const details = { participantId };
    await appendAudit(app, storage, keys, { actor, action: 'pin.created', subject: sessionId, details });
    return { sessionId, participantId, pin };
  });
}

/** Keyed, and of one participant: neither a dump of the table nor another row's hash is worth anything. */
export function pinHash(
  keys: Pick<TenantKeys, 'fingerprint'>,
  sessionId: string,
  participantId: string,
  pin: string,
): Uint8Array {
  return keys.fingerprint(`pin:${sessionId}:${participantId}:${pin}`);
}

/** Each digit as likely as any other: bytes from 250 on would favour the low ones, and are drawn again. */
function randomDigits(random: Random, count: number): string {
  let digits = '';
  while (digits.length < count) {
    for (const byte of random.bytes(count)) {
      if (byte < 250 && digits.length < count) digits += String(byte % 10);
    }
  }
  return digits;
}
