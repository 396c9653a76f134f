import { expect } from 'vitest';
import { toVirtualNumber, VirtualNumberState } from '../../domain/virtual-number.ts';
import { ACCOUNT, createRealApp, type RealApp } from './real-app.ts';
import { createTestServer, type TestServer } from './test-server.ts';

export const CUSTOMER = '+12025550123';
export const DRIVER = '+447700900456';

export interface SessionAnswer {
  readonly id: string;
  readonly participants: readonly [ParticipantAnswer, ParticipantAnswer, ...ParticipantAnswer[]];
  readonly openedAt: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly mode: string;
}

interface ParticipantAnswer {
  readonly id: string;
  readonly realNumber: string;
  readonly virtualNumber: string;
}

export interface Springfield extends RealApp, TestServer {
  /** with every scope, of the tenant whose pool this is */
  readonly key: string;
  /** with every scope, of another tenant */
  readonly strangerKey: string;
  /** a reference that no test has used */
  nextReference(): string;
  /** Opens a session of the customer and the driver. */
  open(changes?: Record<string, unknown>): Promise<SessionAnswer>;
}

/** The service on a real database, with a pool `springfield` of 200 numbers: each test takes some for good. */
export async function createSpringfield(): Promise<Springfield> {
  const real = await createRealApp();
  const server = createTestServer(real.app);
  const key = await real.createKey();
  const strangerKey = await real.createKey('globex');
  // The tests of one town call more often than a person would.
  const limits = { concurrentCallsMax: 20, hourlyAttemptsMax: 200 };
  await server.ask(key, 'POST', '/v1/pools', { name: 'springfield', ...limits });
  await stock(real);
  let references = 0;
  const nextReference = () => `order-${++references}`;
  return {
    ...real,
    ...server,
    key,
    strangerKey,
    nextReference,
    async open(changes = {}) {
      const answer = await server.ask(key, 'POST', '/v1/sessions', sessionOf(nextReference(), changes));
      expect(answer.statusCode).toBe(201);
      return answer.json();
    },
  };
}

/** The body that opens a session of the customer and the driver. */
export function sessionOf(reference: string, changes: Record<string, unknown> = {}) {
  return {
    pool: 'springfield',
    reference,
    assignment: 1,
    participants: [
      { role: 'customer', userId: 'user-17', realNumber: CUSTOMER },
      { role: 'driver', realNumber: DRIVER },
    ],
    ...changes,
  };
}

async function stock({ app }: RealApp): Promise<void> {
  await app.storage.transaction('acme', async ({ virtualNumbers }) => {
    for (let i = 0; i < 200; i++) {
      const area = i < 100 ? 303 : 404;
      const virtualNumber = toVirtualNumber(`+1${area}55501${String(i % 100).padStart(2, '0')}`);
      if (virtualNumber === null) throw new Error('The test has no number.');
      await virtualNumbers.insert({
        virtualNumber,
        pool: 'springfield',
        providerAccount: ACCOUNT.name,
        providerNumberId: null,
        capabilities: ['voice', 'sms'],
        state: VirtualNumberState.InService,
        createdAt: app.clock.now(),
      });
    }
  });
}
