import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../app/app.ts';
import { createRealApp, type RealApp } from '../http/testing/real-app.ts';
import { PUBLIC_URL } from '../http/testing/test-server.ts';
import { authenticateWebhook, findWebhookAccount } from '../http/webhooks/authenticate-webhook.ts';
import { providerFactories } from '../provider-factories.ts';
import { createProviderAccounts } from '../providers/provider-accounts.ts';
import { ACCOUNT_SID, createTwilioWebhooks } from '../providers/twilio/testing/twilio-bench.ts';
import { addAccount } from './account-changes.ts';

const MINUTE_MS = 60_000;
const [OLD, FRESH] = ['0123456789abcdef0123456789abcdef', 'fedcba9876543210fedcba9876543210'];

describe('exchanging the secret that proves webhooks (SEC-06)', () => {
  let real: RealApp;
  let app: App;
  beforeAll(async () => {
    real = await createRealApp();
    const { storage, vault, clock } = real.app;
    const factories = providerFactories({ clock });
    const deps = { storage, vault, clock, factories, publicUrl: PUBLIC_URL };
    app = { ...real.app, providerAccounts: createProviderAccounts(deps) };
  });
  afterAll(() => real.close());

  async function exchange(authToken: string, replace: boolean, overlapMinutes = 60) {
    const context = { app, tenant: 'acme', publicUrl: PUBLIC_URL };
    const { urls } = await addAccount(context, providerFactories({ clock: app.clock }), {
      ...{ provider: 'twilio', name: 'calls', settings: {}, budget: null, dryRun: false },
      ...{ credentials: { accountSid: ACCOUNT_SID, authToken }, replace, overlapMinutes },
    });
    return urls;
  }

  async function accepted(answerUrl: string, secret: string): Promise<boolean> {
    const base = answerUrl.slice(0, answerUrl.lastIndexOf('/'));
    const webhooks = createTwilioWebhooks({
      ...{ accountSid: ACCOUNT_SID, secret, header: 'x-twilio-signature', base },
    });
    const call = webhooks.answer({ callId: 'call-1', from: '+12025550101', to: '+12155550150' });
    const [, , , , , accountId = '', pathSecret = ''] = answerUrl.split('/');
    const account = await findWebhookAccount(app, { accountId, pathSecret, kind: 'answer' });
    try {
      authenticateWebhook(app, account, webhooks.sign(call));
      return true;
    } catch {
      return false;
    }
  }

  it('believes both for the hour, and the old one not a second longer', async () => {
    const { answer } = await exchange(OLD, false);
    expect(await accepted(answer, OLD)).toBe(true);
    expect(await accepted(answer, FRESH)).toBe(false);
    expect((await exchange(FRESH, true)).answer).toBe(answer);
    // A replica notices within 30 s; then each request of the hour is believed, whichever signed it.
    real.clock.advance(30_000);
    let refused = 0;
    for (let second = 30; second < 3_600; second += 5) {
      if (!(await accepted(answer, FRESH))) refused++;
      if (!(await accepted(answer, OLD))) refused++;
      real.clock.advance(5_000);
    }
    expect(refused).toBe(0);
    for (let minute = 0; minute < 5; minute++) {
      expect([await accepted(answer, OLD), await accepted(answer, FRESH)]).toEqual([false, true]);
      real.clock.advance(MINUTE_MS);
    }
  });

  it('ends the old one at once when it leaked', async () => {
    const { answer } = await exchange(OLD, true, 0);
    real.clock.advance(30_000);
    expect([await accepted(answer, OLD), await accepted(answer, FRESH)]).toEqual([true, false]);
  });
});
