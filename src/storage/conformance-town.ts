import { SIMULATED_DESTINATIONS } from '../domain/destination.ts';
import { POLICY_DEFAULTS, POOL_LIMITS, type Pool } from '../domain/pool.ts';
import { routeTerms } from '../domain/route.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { CallerKey } from '../privacy/vault.ts';
import { createSqlStorage } from './sql/sql-storage.ts';
import type { Database } from './sql/connection.ts';
import type { Storage } from './storage.ts';
import type { NewSession } from './session-storage.ts';
import type { CandidateSearch } from './virtual-number-storage.ts';
import type { NewCall } from './call-storage.ts';
import type { OutboxEvent } from './outbox-storage.ts';
import type { NewRoute } from './route-storage.ts';

export const NOW = Date.UTC(2026, 0, 1);
export const HOUR = 3_600_000;
export const ACME = 'acme';
export const GLOBEX = 'globex';
export const POOL = 'city';

/** +44 1632 960xxx is reserved for fiction (Ofcom). */
export function number(n: number): VirtualNumber {
  return `+441632960${String(n).padStart(3, '0')}` as VirtualNumber;
}

/** What the vault would make of a person's number. */
export function person(n: number): CallerKey {
  return new Uint8Array(32).fill(n);
}

const pool: Pool = {
  ...POLICY_DEFAULTS,
  destinations: SIMULATED_DESTINATIONS,
  name: POOL,
  mode: 'dedicated',
  selection: 'avoid_sticky',
  countries: ['GB'],
  numberQuarantineSeconds: POOL_LIMITS.numberQuarantineSeconds.default,
  pairQuarantineSeconds: POOL_LIMITS.pairQuarantineSeconds.default,
  graceSeconds: POOL_LIMITS.graceSeconds.default,
  sessionTtlSeconds: POOL_LIMITS.sessionTtlSeconds.default,
  ringTimeoutSeconds: POOL_LIMITS.ringTimeoutSeconds.default,
  maxCallSeconds: POOL_LIMITS.maxCallSeconds.default,
  stock: null,
};

/** Two tenants, each with an account, a pool and six numbers; both know the same numbers and names. */
export async function createTown(database: Database): Promise<Storage> {
  const storage = createSqlStorage(database);
  for (const tenant of [ACME, GLOBEX]) {
    await storage.system.tenantInsert(tenant, tenant, NOW);
    await storage.transaction(tenant, async (s) => {
      await s.providerAccounts.insert(
        {
          tenant,
          id: `acc_${tenant}`,
          name: 'operator',
          provider: 'simulator',
          settings: { a: [1, null] },
          sealedCredentials: person(1),
        },
        NOW,
      );
      await s.pools.insert(pool, NOW);
      for (let n = 0; n < 6; n++) {
        await s.virtualNumbers.insert({
          virtualNumber: number(n),
          pool: POOL,
          providerAccount: 'operator',
          providerNumberId: null,
          capabilities: n === 5 ? ['sms'] : ['voice', 'sms'],
          state: 'in_service',
          // Longest idle first: the higher the number, the later.
          createdAt: NOW + n,
        });
      }
    });
  }
  return storage;
}

export function search(change: Partial<CandidateSearch> = {}): CandidateSearch {
  return {
    pool: POOL,
    providerAccount: 'operator',
    capability: 'voice',
    callerKeys: [],
    now: NOW + HOUR,
    limit: 2,
    ...change,
  };
}

const KEYS = { indexKeyId: 2, participantKey: new Uint8Array(32).fill(9) };

export function session(id: string, change: Partial<NewSession> = {}): NewSession {
  return {
    id,
    reference: 'order-1',
    assignment: 1,
    pool: POOL,
    mode: 'voice_and_message',
    state: 'pending',
    createdAt: NOW,
    expiresAt: NOW + HOUR,
    closedAt: null,
    closedReason: null,
    participants: [
      {
        id: `${id}-c`,
        role: 'customer',
        userId: 'c1',
        sealedNumber: person(11),
        callerKey: person(1),
        ...KEYS,
      },
      {
        id: `${id}-d`,
        role: 'driver',
        userId: null,
        sealedNumber: person(12),
        callerKey: person(2),
        ...KEYS,
      },
    ],
    ...change,
  };
}

export function route(virtualNumber: VirtualNumber, callerKey: CallerKey, shown: VirtualNumber): NewRoute {
  return {
    reference: 'order-1',
    virtualNumber,
    callerKey,
    indexKeyId: KEYS.indexKeyId,
    callingParticipantId: 'c',
    callingRole: 'customer',
    calledParticipantId: 'd',
    calledRole: 'driver',
    sealedDestination: person(12),
    callingClass: 'GB:mobile',
    calledClass: 'GB:fixed_line',
    callerId: shown,
    mode: 'voice',
    liveUntil: NOW + HOUR,
    ...routeTerms(pool),
  };
}

export function announcement(eventId: string, key = 'order-1'): OutboxEvent {
  const data = { pool: POOL, sessionId: 's', reference: key };
  return { eventId, event: { type: 'pool.exhausted', key, data }, occurredAt: NOW };
}

export function call(id: string, change: Partial<NewCall> = {}): NewCall {
  return {
    id,
    providerAccount: 'operator',
    providerCallId: `native-${id}`,
    sessionId: 's1',
    reference: 'order-1',
    callingParticipantId: 'c',
    callingRole: 'customer',
    calledParticipantId: 'd',
    calledRole: 'driver',
    virtualNumber: number(1),
    callerKey: person(1),
    routeKey: null,
    callerId: number(0),
    decision: 'bridge',
    reason: 'ok',
    ringTimeoutSeconds: 30,
    maxCallSeconds: 600,
    startedAt: NOW,
    attestation: null,
    ...change,
  };
}

/** The order known, a session on numbers 0 and 1 open, with its two routes. */
export async function openOne(storage: Storage, tenant = ACME): Promise<void> {
  await storage.transaction(tenant, async (s) => {
    await s.references.lock('order-1');
    await s.references.setHighestAssignment('order-1', POOL, 1);
    await s.sessions.insert(session('s1'));
    const [aaa, ddd] = [number(0), number(1)];
    await s.virtualNumbers.takeThese([aaa, ddd], 's1', NOW + HOUR);
    await s.routes.insertAll('s1', [route(ddd, person(1), aaa), route(aaa, person(2), ddd)], NOW);
    const exclusive = true;
    await s.sessions.open(
      's1',
      [
        { participantId: 's1-c', virtualNumber: aaa, exclusive },
        { participantId: 's1-d', virtualNumber: ddd, exclusive },
      ],
      NOW,
      NOW + HOUR,
    );
  });
}
