import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../app/app.ts';
import { nameRefusedAccounts } from '../app/name-refused-accounts.ts';
import { createRealApp, type RealApp } from '../http/testing/real-app.ts';
import { PUBLIC_URL } from '../http/testing/test-server.ts';
import { findWebhookAccount } from '../http/webhooks/authenticate-webhook.ts';
import { FakeOperator } from '../app/testing/fake-operator.ts';
import type { AuthenticityFactor } from '../providers/provider.ts';
import { createProviderAccounts, type ProviderFactory } from '../providers/provider-accounts.ts';
import { addAccount } from './account-changes.ts';
import { examineProviders } from './examine-accounts.ts';

const TENANT = 'acme';

/** An adapter whose webhooks are proven by these. */
function provenBy(...authenticityFactors: AuthenticityFactor[]): ReadonlyMap<string, ProviderFactory> {
  return new Map([
    [
      'fake',
      () => {
        const operator = new FakeOperator(0, 10);
        operator.capabilities = { ...operator.capabilities, authenticityFactors };
        return operator;
      },
    ],
  ]);
}

describe('an account whose webhooks are proven by one thing alone', () => {
  let real: RealApp;
  const errors: string[] = [];
  beforeAll(async () => {
    real = await createRealApp();
  });
  afterAll(() => real.close());

  /** The service with such an adapter. */
  function serviceWith(factories: ReadonlyMap<string, ProviderFactory>): App {
    const { storage, vault, clock, log } = real.app;
    const providerAccounts = createProviderAccounts({
      storage,
      vault,
      clock,
      factories,
      publicUrl: PUBLIC_URL,
    });
    const error = (fields: { error: Error }, message: string) =>
      errors.push(`${message} ${fields.error.message}`);
    return { ...real.app, providerAccounts, log: Object.assign(Object.create(log), { error }) };
  }
  const add = (factories: ReadonlyMap<string, ProviderFactory>, name: string, dryRun = false) =>
    addAccount({ app: serviceWith(factories), tenant: TENANT, publicUrl: PUBLIC_URL }, factories, {
      ...{ provider: 'fake', name, settings: {}, credentials: {}, budget: null },
      ...{ replace: false, overlapMinutes: 0, dryRun },
    });
  const stored = (name: string) => real.app.storage.run(TENANT, (s) => s.providerAccounts.get(name));

  it.each([
    ['nothing', []],
    ['secret_path', ['secret_path']],
    ['signature', ['signature', 'signature']],
  ] as const)('is not added: %s', async (said, factors) => {
    for (const dryRun of [true, false]) {
      await expect(add(provenBy(...factors), 'weak', dryRun)).rejects.toThrow(
        `proves its webhooks by ${said} alone. Configure 2 factors`,
      );
    }
    expect(await stored('weak')).toBeNull();
  });

  it('is what the doctor finds, who counts and names each proof once', async () => {
    const factors: AuthenticityFactor[] = ['signature', 'signature', 'secret_path'];
    await add(provenBy(...factors), 'twice');
    const examine = async (...now: AuthenticityFactor[]) => {
      const { storage, providerAccounts } = serviceWith(provenBy(...now));
      const findings = await examineProviders(storage, providerAccounts, TENANT);
      return findings.find(({ what }) => what.startsWith('Provider account twice (fake)'));
    };
    expect(await examine(...factors)).toMatchObject({
      level: 'ok',
      what: expect.stringContaining('are proven by signature and secret_path.'),
    });
    expect(await examine('signature', 'signature')).toMatchObject({
      level: 'fail',
      advice: expect.stringContaining('by signature alone. Configure 2 factors'),
    });
  });

  it('is refused at the start and at every webhook, should it have been added before, and others are not', async () => {
    const strong = provenBy('secret_path', 'basic_auth');
    const { urls } = await add(strong, 'calls');
    const [, , , , , accountId = '', pathSecret = ''] = urls.answer.split('/');
    const asked = { accountId, pathSecret, kind: 'answer' } as const;
    const before = serviceWith(strong);
    expect(await nameRefusedAccounts(before, TENANT)).not.toContain('calls');
    expect(errors.filter((line) => line.includes('"calls"'))).toEqual([]);
    expect((await findWebhookAccount(before, asked)).name).toBe('calls');
    const now = serviceWith(provenBy('secret_path'));
    expect(await nameRefusedAccounts(now, TENANT)).toContain('calls');
    expect(errors.join('\n')).toContain('Account "calls" proves its webhooks by secret_path alone.');
    await expect(findWebhookAccount(now, asked)).rejects.toThrow('secret_path alone');
    await expect(now.providerAccounts.byName(TENANT, 'calls')).rejects.toThrow('secret_path alone');
  });
});
