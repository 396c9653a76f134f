import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { openPostgres } from '../../src/storage/postgres/open-postgres.ts';
import { openTestPostgres, type TestPostgres } from '../../src/storage/testing/open-test-postgres.ts';
import { Replica, runCommand } from './replica.ts';
import { personNumber, POOL, seed } from './seed.ts';

const TRIES_A_DAY = 5;
const TRIES_A_CALL = 3;
const STRANGER = personNumber(900);

interface Delivery {
  readonly ddd: string;
  readonly pin: string;
}

describe.skipIf(process.env.MASKLINE_TEST_POSTGRES !== '1')('the lock of a PIN (SEC-16)', () => {
  let server: TestPostgres;
  let apiKey: string;
  let calls = 0;
  const replicas: Replica[] = [];

  beforeAll(async () => {
    server = await openTestPostgres();
    const url = await server.createDatabase();
    const masterKey = randomBytes(32);
    const database = await openPostgres({
      ...{ connectionString: url, clock: systemClock, random: systemRandom, poolSize: 2 },
    });
    await seed({ database, masterKey, numbers: 20, pool: { stepUp: 'pin' } });
    await database.close();
    const environment = {
      DATABASE_URL: url,
      MASKLINE_MASTER_KEY: masterKey.toString('base64'),
      MASKLINE_ROLES: 'api',
    };
    for (const _ of [1, 2]) replicas.push(await Replica.start(environment));
    apiKey = (await runCommand(['keys', 'create', 'test'], environment)).stdout.trim();
  });
  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.kill('SIGKILL')));
    await server?.stop();
  });

  const replicaAt = (place: number): Replica => replicas[place % replicas.length] as Replica;

  /** A session whose customer has a PIN, for calls from a number that is not theirs. */
  async function deliver(reference: string, n: number): Promise<Delivery> {
    const participants = [
      { role: 'customer', realNumber: personNumber(n) },
      { role: 'driver', realNumber: personNumber(n + 1) },
    ];
    const session = await replicaAt(0).ask(
      'POST',
      '/v1/sessions',
      { pool: POOL, reference, participants },
      apiKey,
    );
    expect(session.status).toBe(201);
    const made = await replicaAt(0).ask(
      ...(['POST', `/v1/sessions/${session.body.id}/pins`, { participantId: 'customer' }, apiKey] as const),
    );
    expect(made.status).toBe(201);
    return { ddd: session.body.participants[1].virtualNumber, pin: made.body.pin };
  }

  async function guess(place: number, { ddd }: Delivery, digits: string, callId: string): Promise<string> {
    const question = { callingNumber: STRANGER, calledNumber: ddd, callId, digits };
    return (await replicaAt(place).ask('POST', '/v1/route-decisions', question, apiKey)).body.decision;
  }

  const newCall = (): string => `call-${calls++}`;
  const wrong = ({ pin }: Delivery, n: number): string =>
    String((Number(pin) + n) % 10 ** pin.length).padStart(pin.length, '0');

  it('counts guesses over both replicas, and holds after the one that counted them was killed', async () => {
    const delivery = await deliver('order-locked', 0);
    // Four wrong ones leave the right one good: so it is the fifth that locks, wherever each was made.
    const spared = await deliver('order-spared', 2);
    for (let n = 1; n < TRIES_A_DAY; n++) {
      expect(await guess(n, spared, wrong(spared, n), newCall())).toBe('collect_pin');
      expect(await guess(n, delivery, wrong(delivery, n), newCall())).toBe('collect_pin');
    }
    expect(await guess(0, delivery, wrong(delivery, TRIES_A_DAY), newCall())).toBe('collect_pin');
    // At the very moment of the answer: what was counted must have been committed before it.
    await replicaAt(0).kill('SIGKILL');
    expect(await guess(1, delivery, delivery.pin, newCall())).toBe('collect_pin');
    await replicaAt(0).start();
    expect(await guess(0, delivery, delivery.pin, newCall())).toBe('collect_pin');
    expect(await guess(0, spared, spared.pin, newCall())).toBe('bridge');
  });

  it('counts the tries of one call over both, and over a kill', async () => {
    const delivery = await deliver('order-call', 4);
    const callId = newCall();
    for (let n = 1; n < TRIES_A_CALL; n++) {
      expect(await guess(n, delivery, wrong(delivery, n), callId)).toBe('collect_pin');
    }
    await replicaAt(0).kill('SIGKILL');
    await replicaAt(0).start();
    expect(await guess(0, delivery, wrong(delivery, TRIES_A_CALL), callId)).toBe('announce');
    for (const place of [0, 1]) expect(await guess(place, delivery, delivery.pin, callId)).toBe('announce');
  });

  it('lets no more be compared when forty guess on both at one moment', async () => {
    const delivery = await deliver('order-race', 6);
    const decisions: string[] = [];
    const heard = () => decisions.filter((decision) => decision !== 'announce').length;
    // Who waits for the row of the lock for too long hears the neutral sentence, on a busy machine most of them.
    for (let volley = 0; volley < 5 && heard() < TRIES_A_DAY; volley++) {
      const guesses = Array.from({ length: 40 }, (_, n) =>
        guess(n, delivery, wrong(delivery, n + 1), newCall()),
      );
      decisions.push(...(await Promise.all(guesses)));
    }
    expect(heard()).toBeGreaterThanOrEqual(TRIES_A_DAY);
    for (const place of [0, 1]) decisions.push(await guess(place, delivery, delivery.pin, newCall()));
    expect(decisions).not.toContain('bridge');
  });
});
