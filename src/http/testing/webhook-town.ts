import type { LightMyRequestResponse } from 'fastify';
import { FakeProvider, SIGNATURE_HEADER } from './fake-provider.ts';
import { ACCOUNT } from './real-app.ts';
import { createSpringfield, type Springfield } from './springfield.ts';
import { PUBLIC_URL } from './test-server.ts';

/** Where the account's webhooks are, without the kind. */
export const PATH = `/webhooks/fake/${ACCOUNT.id}/${ACCOUNT.pathSecret}`;

/** What the provider renders of the neutral sentence. */
export const NEUTRAL = { say: 'announcement:neutral' };

export interface WebhookTown extends Springfield {
  /** the numbers that stand for the customer and the driver of an open session */
  readonly shown: { readonly customer: string; readonly driver: string };
  /** new for each test, like `callId` */
  readonly provider: FakeProvider;
  readonly callId: string;
  renewProvider(): void;
  /** A webhook as the provider would send it, signed unless the test says otherwise. */
  deliver(
    path: string,
    body: unknown,
    options?: { headers?: Record<string, string>; method?: 'GET' | 'POST' },
  ): Promise<LightMyRequestResponse>;
}

/** The service with an open session, and a provider that asks about its calls. */
export async function createWebhookTown(): Promise<WebhookTown> {
  const springfield = await createSpringfield();
  const [customer, driver] = (await springfield.open()).participants;
  const { accounts, http } = springfield;
  let calls = 0;
  let provider = new FakeProvider();
  return {
    ...springfield,
    shown: { customer: customer.virtualNumber, driver: driver.virtualNumber },
    get provider() {
      return provider;
    },
    get callId() {
      return `call-${calls}`;
    },
    renewProvider() {
      calls++;
      provider = new FakeProvider();
      const account = accounts.get(ACCOUNT.id);
      if (account) accounts.set(ACCOUNT.id, { ...account, provider });
    },
    deliver(path, body, { headers = {}, method = 'POST' } = {}) {
      return http.inject({
        method,
        url: path,
        headers: { [SIGNATURE_HEADER]: PUBLIC_URL + path, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
    },
  };
}
