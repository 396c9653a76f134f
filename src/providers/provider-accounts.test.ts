import { describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/manual-clock.ts';
import type { Vault } from '../privacy/vault.ts';
import { StorageError } from '../storage/storage-error.ts';
import type { ProviderAccountRow, Storage } from '../storage/storage.ts';
import type { Provider } from './provider.ts';
import { createProviderAccounts } from './provider-accounts.ts';

const ROW = {
  tenant: 'acme',
  id: 'acc_1',
  name: 'operator',
  provider: 'simulator',
  settings: {},
  sealedCredentials: new Uint8Array(),
} as unknown as ProviderAccountRow;

/** A storage that answers, answers never, or is away; and how often it was asked. */
function bench() {
  const clock = new ManualClock();
  const state = { mode: 'answers' as 'answers' | 'silent' | 'away', secret: 'first', asked: 0 };
  const storage = {
    system: {
      providerAccountList: async () => [ROW],
      providerAccountById: async () => {
        state.asked++;
        if (state.mode === 'silent') return new Promise(() => {});
        if (state.mode === 'away') throw new StorageError('unavailable', 'away');
        return ROW;
      },
    },
  } as unknown as Storage;
  const vault = {
    keysOf: async () => ({ openText: () => JSON.stringify({ pathSecret: state.secret, credentials: {} }) }),
  } as unknown as Vault;
  const provider = { capabilities: { authenticityFactors: ['path', 'signature'] } } as unknown as Provider;
  const accounts = createProviderAccounts({
    storage,
    vault,
    clock,
    factories: new Map([['simulator', () => provider]]),
    publicUrl: 'https://calls.example.com',
  });
  const secretOf = async (): Promise<string | undefined> => (await accounts.byId('acc_1'))?.pathSecret;
  return { clock, state, accounts, secretOf };
}

/** Lets everything that needs no time happen. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a provider account that was read before', () => {
  it('is read again after 30 s, and a change is noticed then', async () => {
    const { clock, state, secretOf } = bench();
    expect(await secretOf()).toBe('first');
    state.secret = 'second';
    clock.advance(29_999);
    expect(await secretOf()).toBe('first');
    clock.advance(1);
    expect(await secretOf()).toBe('second');
    expect(state.asked).toBe(2);
  });

  it('is used for five minutes while the database is away, and for no longer', async () => {
    const { clock, state, secretOf } = bench();
    await secretOf();
    state.mode = 'away';
    clock.advance(299_999);
    expect(await secretOf()).toBe('first');
    clock.advance(1);
    await expect(secretOf()).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('keeps nobody waiting for more than 25 ms while the database is slow, and is asked for once', async () => {
    const { clock, state, secretOf } = bench();
    await secretOf();
    clock.advance(30_000);
    state.mode = 'silent';
    let answered = 0;
    const asking = [1, 2, 3].map(() => secretOf().finally(() => answered++));
    await settled();
    expect(answered).toBe(0);
    clock.advance(25);
    expect(await Promise.all(asking)).toEqual(['first', 'first', 'first']);
    expect(state.asked).toBe(2);
  });
});
