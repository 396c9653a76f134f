import { MasklineError } from '../domain/errors.ts';
import type { KeyPurpose } from '../privacy/master-keys.ts';
import type { KeyState } from '../privacy/tenant-keys.ts';
import type { App } from './app.ts';
import { recordAudit } from './audit.ts';

type Rotating = Pick<App, 'storage' | 'vault' | 'clock'>;

/** Wraps the tenant's data keys by the master key that wraps now. Rows are not touched. Returns how many it wrapped. */
export async function rotateMasterKey(app: Rotating, tenant: string, actor: string): Promise<number> {
  let wrapped = 0;
  await begin(app, tenant, { actor, action: 'keys.master_rotating', subject: tenant });
  for (const key of await app.storage.keys.dataKeyList(tenant)) {
    const after = app.vault.rewrap(tenant, key);
    if (!after || !key.wrapped) continue;
    if (await app.storage.keys.dataKeyRewrap(tenant, key.keyId, key.wrapped, after)) wrapped++;
  }
  const details = { masterKey: app.vault.masterKeys.id, keys: wrapped };
  await recordAudit(app, tenant, { actor, action: 'keys.master_rotated', subject: tenant, details });
  return wrapped;
}

/**
 * Retires the sealing keys in use. New values get new keys within 5 s; the job of the service seals what is left
 * anew, batch by batch, and destroys the old keys when nothing is. Returns the ids of those that retired.
 */
export async function rotateDataKeys(app: Rotating, tenant: string, actor: string): Promise<number[]> {
  const retired: number[] = [];
  await begin(app, tenant, { actor, action: 'keys.data_rotating', subject: tenant });
  for (const { keyId, purpose, state } of await app.storage.keys.dataKeyList(tenant)) {
    if (purpose !== 'seal' || state !== 'active') continue;
    if (await app.storage.keys.dataKeySetState(tenant, keyId, 'active', 'retired')) retired.push(keyId);
  }
  await recordAudit(app, tenant, {
    actor,
    action: 'keys.data_rotated',
    subject: tenant,
    details: { retired },
  });
  return retired;
}

/**
 * Makes a new index key. For a while every route is written under both, then looked up by the new one, then the
 * old one goes; the job of the service takes these steps.
 * @throws MasklineError MASK_ALREADY_EXISTS while another exchange is under way
 */
export async function rotateIndexKey(app: Rotating, tenant: string, actor: string): Promise<number> {
  await app.vault.keysOf(tenant);
  const stored = await app.storage.keys.dataKeyList(tenant);
  const inUse = stored.filter(({ purpose, state }) => purpose === 'index' && state !== 'destroyed');
  if (inUse.length !== 1) {
    throw new MasklineError(
      'MASK_ALREADY_EXISTS',
      'An index key is being exchanged: see `maskline keys status`.',
    );
  }
  await begin(app, tenant, { actor, action: 'keys.index_rotating', subject: tenant });
  const keyId = 1 + Math.max(...stored.map((key) => key.keyId));
  const key = app.vault.createKey(tenant, { keyId, purpose: 'index', day: null, state: 'writing' });
  await app.storage.keys.dataKeyInsert(tenant, key, app.clock.now());
  await recordAudit(app, tenant, {
    actor,
    action: 'keys.index_rotated',
    subject: tenant,
    details: { keyId },
  });
  return keyId;
}

export interface KeyReport {
  readonly keyId: number;
  readonly purpose: KeyPurpose;
  readonly state: KeyState;
  readonly day: string | null;
  /** rows that it seals, or caller keys that it made; 0 when nothing is left to do */
  readonly rows: number;
  /** whether the master key that was given first has wrapped it; null once it was destroyed */
  readonly wrappedByCurrent: boolean | null;
}

/** Every key that there is, and how far an exchange has come. */
export async function keyReport(app: Rotating, tenant: string): Promise<KeyReport[]> {
  const stored = await app.storage.keys.dataKeyList(tenant);
  const { sealing, index } = await app.storage.run(tenant, async ({ privacy }) => ({
    sealing: await privacy.sealingUse(),
    index: await privacy.indexUse(),
  }));
  return stored.map(({ keyId, purpose, state = 'active', day = null, wrapped }) => {
    const use = (purpose === 'index' ? index : sealing).find((one) => one.keyId === keyId);
    const rows = purpose === 'fingerprint' || !use ? 0 : use.participants + use.routes;
    const wrappedByCurrent = wrapped ? app.vault.masterKeys.isCurrent(wrapped) : null;
    return { keyId, purpose, state, day, rows, wrappedByCurrent };
  });
}

/**
 * Destroys a sealing key at once, with everything that it still seals, in every backup as well: a day, say, that
 * must not be read again. @throws MasklineError MASK_NOT_FOUND, MASK_INVALID_REQUEST for a key that is in use
 */
export async function destroySealingKey(
  app: Rotating,
  tenant: string,
  keyId: number,
  actor: string,
): Promise<void> {
  const key = (await app.storage.keys.dataKeyList(tenant)).find((one) => one.keyId === keyId);
  if (!key?.wrapped || key.purpose !== 'seal') {
    throw new MasklineError('MASK_NOT_FOUND', `There is no sealing key ${keyId} that is not destroyed.`);
  }
  if (key.state === 'active' && (key.day ?? null) === null) {
    throw new MasklineError('MASK_INVALID_REQUEST', 'Retire it first: `maskline keys rotate --data`.');
  }
  await begin(app, tenant, { actor, action: 'keys.destroying', subject: String(keyId) });
  await app.storage.keys.dataKeyDestroy(tenant, keyId, app.clock.now());
  const details = { keyId, day: key.day ?? null };
  await recordAudit(app, tenant, { actor, action: 'keys.destroyed', subject: String(keyId), details });
}

/**
 * Keys are changed by a role that sees all tenants, and the audit by one that sees one, so that they cannot share a
 * transaction. A row stands before anything is touched, and another when it is done: no exchange is without one.
 */
function begin(
  app: Rotating,
  tenant: string,
  act: { readonly actor: string; readonly action: string; readonly subject: string },
): Promise<void> {
  return recordAudit(app, tenant, { ...act, details: {} });
}
