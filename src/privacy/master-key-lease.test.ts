import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/manual-clock.ts';
import { systemRandom } from '../lib/random.ts';
import { MasterKeyLease } from './master-key-lease.ts';
import { givenMasterKey, type MasterKeySource, MasterKeyUnavailable } from './master-key-source.ts';
import { type StoredDataKey, Vault } from './vault.ts';

const MINUTE_MS = 60_000;

function createService() {
  const state = { key: randomBytes(32) as Uint8Array, down: false, asked: 0 };
  const source: MasterKeySource = {
    name: 'a key service',
    revocable: true,
    async read() {
      state.asked++;
      if (state.down) throw new MasterKeyUnavailable('It does not answer.');
      return state.key;
    },
  };
  return { state, source };
}

describe('a lease of a master key (FLT-41)', () => {
  it('is not had when the service is down at the start', async () => {
    const { state, source } = createService();
    state.down = true;
    await expect(MasterKeyLease.take([source], new ManualClock())).rejects.toThrow('It does not answer.');
  });

  it('goes on for 15 minutes without the service, is lost then, and comes back with it', async () => {
    const { state, source } = createService();
    const clock = new ManualClock();
    const troubles: unknown[] = [];
    const lease = await MasterKeyLease.take([source], clock, (error) => troubles.push(error));
    state.down = true;
    const held: boolean[] = [];
    for (let minute = 0; minute <= 16; minute++) {
      held.push(lease.held());
      await lease.renew();
      clock.advance(MINUTE_MS);
    }
    expect(held).toEqual([...Array(15).fill(true), false, false]);
    expect(troubles.length).toBeGreaterThan(10);
    state.down = false;
    await lease.renew();
    expect(lease.held()).toBe(true);
  });

  it('asks again after 5 minutes, beside the work, and not more often than each 30 s', async () => {
    const { state, source } = createService();
    const clock = new ManualClock();
    const lease = await MasterKeyLease.take([source], clock);
    for (let i = 0; i < 100; i++) lease.held();
    expect(state.asked).toBe(1);
    clock.advance(5 * MINUTE_MS);
    state.down = true;
    for (let i = 0; i < 100; i++) lease.held();
    expect(state.asked).toBe(2);
    await lease.renew();
    for (let i = 0; i < 100; i++) lease.held();
    expect(state.asked).toBe(3);
    clock.advance(30_000);
    lease.held();
    expect(state.asked).toBe(4);
  });

  it('takes another key for none, so that nothing is sealed with what the others cannot open', async () => {
    const { state, source } = createService();
    const clock = new ManualClock();
    const troubles: unknown[] = [];
    const lease = await MasterKeyLease.take([source], clock, (error) => troubles.push(error));
    state.key = randomBytes(32);
    clock.advance(14 * MINUTE_MS);
    await lease.renew();
    expect(String(troubles[0])).toContain('another than at the start');
    clock.advance(2 * MINUTE_MS);
    expect(lease.held()).toBe(false);
  });

  it('never ends for what the settings gave', async () => {
    const clock = new ManualClock();
    const lease = await MasterKeyLease.take([givenMasterKey(randomBytes(32))], clock);
    clock.advance(1_000 * 24 * 60 * MINUTE_MS);
    expect(lease.held()).toBe(true);
  });

  it('stops the vault when it is lost: nothing is opened, nothing is written, and it is said why', async () => {
    const { state, source } = createService();
    const clock = new ManualClock();
    const lease = await MasterKeyLease.take([source], clock);
    const rows: StoredDataKey[] = [];
    const store = {
      dataKeyList: async () => [...rows],
      dataKeyInsert: async (_: string, key: StoredDataKey) => void rows.push(key),
    };
    const vault = new Vault(lease.keys, store, clock, systemRandom, () => lease.held());
    await vault.keysOf('acme');
    const before = rows.length;
    state.down = true;
    clock.advance(14 * MINUTE_MS);
    await expect(vault.keysOf('acme')).resolves.toBeDefined();
    expect(vault.usable).toBe(true);
    clock.advance(24 * 60 * MINUTE_MS);
    await expect(vault.keysOf('acme')).rejects.toThrow(/not confirmed for 15 minutes/);
    await expect(vault.keysOf('other')).rejects.toThrow(MasterKeyUnavailable);
    expect(vault.usable).toBe(false);
    expect(rows).toHaveLength(before);
    state.down = false;
    await lease.renew();
    await expect(vault.keysOf('acme')).resolves.toBeDefined();
  });
});
