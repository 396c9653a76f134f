import { routeTerms } from '../../src/domain/route.ts';
import { toVirtualNumber, type VirtualNumber } from '../../src/domain/virtual-number.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { PhoneNumber } from '../../src/privacy/phone-number.ts';
import { type TenantKeys, Vault } from '../../src/privacy/vault.ts';
import type { Database } from '../../src/storage/sql/connection.ts';
import { createSqlStorage } from '../../src/storage/sql/sql-storage.ts';
import { defaultPool, personNumber, POOL, TENANT } from './seed.ts';

const LOT = 500;
const DAY_MS = 86_400_000;
/** Each side takes its numbers and its people in circles of prime length, so that no route comes twice in 19 million. */
const NUMBERS_A_SIDE = 997;
const CUSTOMERS = 19_993;
const DRIVERS = 19_997;

/** Virtual numbers that `seed` must have made. */
export const FILL_NUMBERS = 2_000;

export interface FilledSession {
  readonly customer: string;
  readonly driver: string;
  /** stands for the customer: the driver dials it */
  readonly aaa: VirtualNumber;
  readonly ddd: VirtualNumber;
}

/** The i-th session of a filled database. */
export function filledSession(i: number): FilledSession {
  return {
    customer: personNumber(i % CUSTOMERS),
    driver: personNumber(20_000 + (i % DRIVERS)),
    aaa: seededNumber(i % NUMBERS_A_SIDE),
    ddd: seededNumber(1_000 + (i % NUMBERS_A_SIDE)),
  };
}

/** As `seed` numbers them. */
function seededNumber(n: number): VirtualNumber {
  const text = `+1${200 + Math.floor(n / 50)}55501${String((n % 50) * 2 + 1).padStart(2, '0')}`;
  const virtualNumber = toVirtualNumber(text);
  if (!virtualNumber) throw new Error('The seed has no such number.');
  return virtualNumber;
}

/** Open sessions of two people each, sealed as the service seals them, by the statements with which it opens many. */
export async function fillSessions(
  database: Database,
  masterKey: Uint8Array,
  sessions: number,
  onProgress: (filled: number) => void = () => {},
): Promise<void> {
  const storage = createSqlStorage(database);
  const vault = new Vault(masterKey, storage.keys, systemClock, systemRandom);
  const terms = routeTerms(defaultPool());
  for (let from = 0; from < sessions; from += LOT) {
    const keys = await vault.keysOf(TENANT);
    const now = systemClock.now();
    const made = Array.from({ length: Math.min(LOT, sessions - from) }, (_, i) => sealed(keys, from + i));
    await storage.transaction(TENANT, async ({ assignments }) => {
      await assignments.takeReferences(made, POOL);
      await assignments.insertSessions(made, {
        ...{ pool: POOL, mode: 'voice_and_message', state: 'open', exclusive: false },
        ...{ now, expiresAt: now + DAY_MS },
      });
      const inserted = await assignments.insertRoutes(
        made.flatMap(({ routes, id, reference }) =>
          routes.map((route) => ({
            ...terms,
            ...route,
            ...{ sessionId: id, reference, mode: 'voice_and_message' as const, liveUntil: now + DAY_MS },
          })),
        ),
        now,
      );
      if (inserted !== 2 * made.length) throw new Error(`Only ${inserted} routes were inserted.`);
    });
    onProgress(from + made.length);
  }
}

function sealed(keys: TenantKeys, i: number) {
  const id = `ses_fill_${String(i).padStart(8, '0')}`;
  const { customer, driver, aaa, ddd } = filledSession(i);
  const people = [
    { role: 'customer', number: numberOf(customer), virtualNumber: aaa },
    { role: 'driver', number: numberOf(driver), virtualNumber: ddd },
  ].map(({ role, number, virtualNumber }, p) => {
    const participantId = `par_${i}_${p}`;
    const participantKey = keys.createParticipantKey();
    const place = { table: 'participant', row: participantId } as const;
    return {
      ...{ id: participantId, role, userId: null, participantKey, virtualNumber, number },
      ...keys.callerKeys(number)[0],
      sealedNumber: keys.sealNumber(number, place, participantKey),
    };
  });
  const routes = people.map((caller, p) => {
    const called = people[1 - p] as (typeof people)[number];
    const { callerKey, indexKeyId } = caller;
    const row = `${called.virtualNumber}|${Buffer.from(callerKey).toString('hex')}`;
    return {
      ...{ virtualNumber: called.virtualNumber, callerKey, indexKeyId },
      ...{ callingParticipantId: caller.id, callingRole: caller.role, callerId: caller.virtualNumber },
      ...{ calledParticipantId: called.id, calledRole: called.role },
      callingClass: caller.number.numberClass,
      calledClass: called.number.numberClass,
      sealedDestination: keys.sealNumber(called.number, { table: 'route', row }, called.participantKey),
    };
  });
  return { id, reference: `fill-${i}`, assignment: 1, participants: people, routes };
}

function numberOf(text: string): PhoneNumber {
  const number = PhoneNumber.parse(text);
  if (!number) throw new Error('There is no such person.');
  return number;
}
