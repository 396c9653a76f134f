import { MasklineError } from '../domain/errors.ts';
import { createId } from '../lib/id.ts';
import { redact } from '../observe/log.ts';
import type { PhoneNumber } from '../privacy/phone-number.ts';
import type { TenantKeys } from '../privacy/vault.ts';
import type { BlockedPerson, PersonBlock } from '../storage/block-storage.ts';
import type { App } from './app.ts';
import { appendAudit } from './audit.ts';

export interface BlockPersonParams {
  readonly tenant: string;
  /** `key:<id>` */
  readonly actor: string;
  /** at least one of the two */
  readonly realNumber: PhoneNumber | null;
  readonly userId: string | null;
  /** why, in the words of whoever asks */
  readonly reason: string;
}

/**
 * The company blocks a person: from the commit on no call or text passes from or to them, and no session opens with
 * them. Also the duty to block an identifier that an authority names. The row of the audit is in the same transaction.
 * @throws MasklineError MASK_INVALID_REQUEST, MASK_ALREADY_EXISTS
 */
export async function blockPerson(app: App, params: BlockPersonParams): Promise<PersonBlock> {
  const { tenant, actor, realNumber, userId } = params;
  if (!realNumber && userId === null) {
    throw new MasklineError('MASK_INVALID_REQUEST', 'Say whom: by `realNumber`, by `userId`, or by both.');
  }
  const keys = await app.vault.keysOf(tenant);
  const block: PersonBlock = {
    id: createId('blk', app.clock, app.random),
    numberDigest: realNumber && keys.numberDigest(realNumber),
    maskedNumber: realNumber?.masked ?? null,
    userId,
    reason: redact(params.reason),
    actor,
    createdAt: app.clock.now(),
  };
  const person = personOf(keys, realNumber, userId);
  await app.storage.transaction(tenant, async (storage) => {
    if (!(await storage.blocks.insertPerson(block, person))) {
      throw new MasklineError(
        'MASK_ALREADY_EXISTS',
        'This person is blocked already. GET /v1/blocks shows it.',
      );
    }
    const stopped = await storage.blocks.stopPerson(block.id, person, block.createdAt);
    const details = { reason: block.reason, routesStopped: stopped, by: saidBy(block) };
    await appendAudit(app, storage, keys, { actor, action: 'person.blocked', subject: block.id, details });
  });
  return block;
}

/**
 * Lifts it: routes that are still live connect again, unless somebody else has blocked them too.
 * @throws MasklineError MASK_NOT_FOUND
 */
export async function unblockPerson(
  app: App,
  { tenant, actor, id }: { readonly tenant: string; readonly actor: string; readonly id: string },
): Promise<PersonBlock> {
  const keys = await app.vault.keysOf(tenant);
  return app.storage.transaction(tenant, async (storage) => {
    const block = await storage.blocks.deletePerson(id);
    if (!block) throw new MasklineError('MASK_NOT_FOUND', 'There is no block by that id.');
    await storage.blocks.lift(id);
    const details = { by: saidBy(block) };
    await appendAudit(app, storage, keys, { actor, action: 'person.unblocked', subject: id, details });
    return block;
  });
}

/** For so long, blocks are applied again to what opened meanwhile: longer than any transaction lasts. */
const LATELY_MS = 120_000;

/** Run every second, so that no session that opened at the moment of a block outlives it by 5 s. */
export async function applyLateBlocks(app: App): Promise<number> {
  const now = app.clock.now();
  return app.storage.system.stopBlockedLately(now - LATELY_MS, now);
}

function personOf(keys: TenantKeys, realNumber: PhoneNumber | null, userId: string | null): BlockedPerson {
  const callerKeys = realNumber ? keys.callerKeys(realNumber).map((key) => key.callerKey) : [];
  return { callerKeys, userId };
}

function saidBy({ numberDigest, userId }: PersonBlock): string {
  if (numberDigest && userId !== null) return 'number and userId';
  return numberDigest ? 'number' : 'userId';
}
