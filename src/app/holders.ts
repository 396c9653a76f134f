import { MasklineError } from '../domain/errors.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import { redact } from '../observe/log.ts';
import type { App } from './app.ts';
import { appendAudit } from './audit.ts';

/** More can stand behind one number at once in a shared pool only; the newest are answered. */
const HOLDERS_MAXIMUM = 200;
export const REVEALS_AN_HOUR = 20;
const HOUR_MS = 3_600_000;

interface Asked {
  readonly tenant: string;
  /** `key:<id>` */
  readonly actor: string;
  /** why, in the words of whoever asks */
  readonly reason: string;
}

export interface HolderView {
  readonly participantId: string;
  readonly sessionId: string;
  readonly reference: string;
  readonly role: string;
  readonly userId: string | null;
  readonly from: number;
  readonly until: number | null;
  readonly standing: 'allocated' | 'grace';
  /** masked; null once erased */
  readonly realNumber: string | null;
}

/**
 * Who stood behind a virtual number at a moment. The question is in the audit, or it was not answered.
 * @throws MasklineError MASK_NOT_FOUND
 */
export async function findHolders(
  app: App,
  asked: Asked & { readonly virtualNumber: VirtualNumber; readonly at: number },
): Promise<readonly HolderView[]> {
  const { tenant, actor, reason, virtualNumber, at } = asked;
  const keys = await app.vault.keysOf(tenant);
  return app.storage.transaction(tenant, async (storage) => {
    // Any other number is somebody's own, and belongs into no audit.
    if (!(await storage.virtualNumbers.get(virtualNumber))) {
      throw new MasklineError('MASK_NOT_FOUND', 'There is no such virtual number.');
    }
    const rows = await storage.privacy.holders(virtualNumber, at, HOLDERS_MAXIMUM);
    const details = { at: new Date(at).toISOString(), reason: redact(reason), found: rows.length };
    await appendAudit(app, storage, keys, { actor, action: 'history.read', subject: virtualNumber, details });
    return rows.map(({ inGrace, sealedNumber, participantKey, ...row }) => {
      const place = { table: 'participant', row: row.participantId } as const;
      // Without the person's own key it was erased, though a restored backup may have put the sealed value back.
      const realNumber =
        sealedNumber && participantKey && keys.openNumber(sealedNumber, place, participantKey).masked;
      return { ...row, standing: inGrace ? 'grace' : 'allocated', realNumber };
    });
  });
}

/**
 * The real number of one participant. Counted and written into the audit in the transaction that reads it.
 * @throws MasklineError MASK_NOT_FOUND also once it was erased, MASK_RATE_LIMITED after 20 in an hour
 */
export async function revealNumber(
  app: App,
  asked: Asked & { readonly participantId: string },
): Promise<string> {
  const { tenant, actor, reason, participantId } = asked;
  const keys = await app.vault.keysOf(tenant);
  return app.storage.transaction(tenant, async (storage) => {
    // The end of the chain is locked first, so that twenty at once are counted one after another.
    await storage.audit.lockHead();
    const action = 'number.revealed';
    const since = app.clock.now() - HOUR_MS;
    if ((await storage.audit.count(actor, action, since)) >= REVEALS_AN_HOUR) {
      throw new MasklineError('MASK_RATE_LIMITED', `A key may reveal ${REVEALS_AN_HOUR} numbers in an hour.`);
    }
    const row = await storage.privacy.participant(participantId);
    if (!row?.sealedNumber || !row.participantKey) {
      throw new MasklineError('MASK_NOT_FOUND', 'There is no such participant, or the number was erased.');
    }
    const place = { table: 'participant', row: participantId } as const;
    const number = keys.openNumber(row.sealedNumber, place, row.participantKey);
    const details = { reason: redact(reason), sessionId: row.sessionId, role: row.role };
    await appendAudit(app, storage, keys, { actor, action, subject: participantId, details });
    return number.reveal();
  });
}
