import { KeyRotation } from '../app/advance-rotation.ts';
import type { App } from '../app/app.ts';
import type { Instant } from '../lib/clock.ts';
import type { Job } from './job.ts';
import { Lease } from './lease.ts';

const BATCH = 500;
const DAY_MS = 86_400_000;
/** A repeated question is answered for a minute, and a late report of its end comes within hours. */
const CALLER_KEY_DAYS = 1;
const DELIVERY_DAYS = 30;
const HEAD_MS = 3_600_000;

export interface PrivacyKeeperOptions {
  readonly holder: string;
  /** days after which a closed session loses its real numbers: the key of a day lives as long */
  readonly numberDays: number;
}

/**
 * Erases caller keys that no repeated question can need, and takes exchanges of keys further. One replica at a time; it begins where
 * the one before it stopped.
 */
export function privacyKeeper(app: App, { holder, numberDays }: PrivacyKeeperOptions): Job {
  const lease = new Lease('privacy', holder, app.storage.system, app.clock);
  const rotation = new KeyRotation(app, numberDays);
  const noted = new Map<string, { readonly seq: number; readonly at: Instant }>();
  return {
    name: 'privacy-keeper',
    intervalMs: 20_000,
    wake: null,
    async run(signal) {
      if (!(await lease.hold())) return;
      for (const tenant of await app.storage.system.tenantList()) {
        if (signal.aborted || !(await lease.hold())) return;
        await eraseCallerKeys(app, tenant, signal);
        await rotation.advance(tenant, signal);
        await noteHead(app, tenant, noted);
      }
      await app.storage.webhooks.trim(app.clock.now() - DELIVERY_DAYS * DAY_MS, BATCH);
    },
    release: () => lease.release(),
  };
}

async function eraseCallerKeys(app: App, tenant: string, signal: AbortSignal): Promise<void> {
  const before = app.clock.now() - CALLER_KEY_DAYS * DAY_MS;
  for (let erased = BATCH; erased >= BATCH && !signal.aborted; ) {
    erased = await app.storage.run(tenant, ({ privacy }) => privacy.eraseCallerKeysBefore(before, BATCH));
  }
}

/** Into the log, which is kept elsewhere: `maskline audit verify --head` then shows that nobody cut the end off. */
async function noteHead(
  app: App,
  tenant: string,
  noted: Map<string, { readonly seq: number; readonly at: Instant }>,
): Promise<void> {
  const now = app.clock.now();
  const last = noted.get(tenant);
  if (last && now - last.at < HEAD_MS) return;
  const head = await app.storage.run(tenant, ({ audit }) => audit.head());
  noted.set(tenant, { seq: head?.seq ?? 0, at: now });
  if (!head || head.seq === last?.seq) return;
  const hash = Buffer.from(head.hash).toString('hex');
  app.log.info({ tenant, head: `${head.seq}:${hash}` }, 'The audit has come to this row.');
}
