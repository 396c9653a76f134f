import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../lib/manual-clock.ts';
import { systemRandom } from '../lib/random.ts';
import { StorageError } from '../storage/storage-error.ts';
import { MasterKeyError } from './master-keys.ts';
import { PhoneNumber } from './phone-number.ts';
import type { Place } from './tenant-keys.ts';
import { type KeyStore, type StoredDataKey, UnsealError, Vault } from './vault.ts';

const DAY_MS = 86_400_000;

function createKeys() {
  const rows = new Map<string, StoredDataKey[]>();
  const state = { asked: 0, failure: null as Error | null };
  const store: KeyStore = {
    async dataKeyList(tenant) {
      state.asked++;
      if (state.failure) throw state.failure;
      return rows.get(tenant) ?? [];
    },
    async dataKeyInsert(tenant, key) {
      const known = rows.get(tenant) ?? [];
      if (!known.some(({ keyId }) => keyId === key.keyId)) rows.set(tenant, [...known, key]);
    },
  };
  return { rows, store, state };
}

function number(text: string): PhoneNumber {
  const parsed = PhoneNumber.parse(text);
  if (!parsed) throw new Error('The test has no number.');
  return parsed;
}

const ANA = number('+447700900101');
const AT: Place = { table: 'participant', row: 'par_1' };
const master = () => systemRandom.bytes(32);

describe('a sealed number', () => {
  const clock = new ManualClock();
  const { store } = createKeys();
  const vault = new Vault(master(), store, clock, systemRandom);

  test('opens in its place, with its participant key, and nowhere else', async () => {
    const keys = await vault.keysOf('acme');
    const participantKey = keys.createParticipantKey();
    const sealed = keys.sealNumber(ANA, AT, participantKey);
    expect(keys.openNumber(sealed, AT, participantKey).equals(ANA)).toBe(true);
    const strangers = await vault.keysOf('globex');
    const places: Place[] = [
      { table: 'participant', row: 'par_2' },
      { table: 'route', row: 'par_1' },
      { table: 'call', row: 'par_1' },
    ];
    for (const place of places) {
      expect(() => keys.openNumber(sealed, place, participantKey)).toThrow(UnsealError);
    }
    expect(() => strangers.openNumber(sealed, AT, participantKey)).toThrow(UnsealError);
    expect(() => keys.openNumber(sealed, AT, keys.createParticipantKey())).toThrow(UnsealError);
    expect(() => keys.openNumber(sealed, AT, null)).toThrow(/erased/);
  });

  test('does not open with any bit flipped, cut or added to', async () => {
    const keys = await vault.keysOf('acme');
    const participantKey = keys.createParticipantKey();
    const sealed = keys.sealNumber(ANA, AT, participantKey);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Uint8Array.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => keys.openNumber(changed, AT, participantKey)).toThrow(UnsealError);
    }
    for (const changed of [sealed.subarray(1), sealed.subarray(0, -1), Buffer.concat([sealed, sealed])]) {
      expect(() => keys.openNumber(changed, AT, participantKey)).toThrow(UnsealError);
    }
  });

  test('swapped with any other does not open', async () => {
    const keys = await vault.keysOf('acme');
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 2 }),
        async (rows) => {
          const [one, other] = rows.map((row) => ({ table: 'route', row }) as const) as [Place, Place];
          const participantKey = keys.createParticipantKey();
          const sealed = keys.sealNumber(ANA, one, participantKey);
          expect(() => keys.openNumber(sealed, other, participantKey)).toThrow(UnsealError);
        },
      ),
    );
  });

  // SEC-32 samples 10^8 in all; MASKLINE_NONCES=10000000 takes a minute and a half.
  test('never repeats a nonce', { timeout: 600_000 }, async () => {
    const keys = await vault.keysOf('acme');
    const participantKey = keys.createParticipantKey();
    const count = Number(process.env.MASKLINE_NONCES ?? 20_000);
    // A nonce that comes twice has its first 64 bits twice; sorted, they stand side by side.
    const starts = new BigUint64Array(count);
    for (let i = 0; i < count; i++) {
      const sealed = Buffer.from(keys.sealNumber(ANA, AT, participantKey));
      starts[i] = sealed.readBigUInt64BE(5);
    }
    starts.sort();
    expect(starts.filter((start, i) => i > 0 && start === starts[i - 1])).toHaveLength(0);
  });
});

describe('a caller key', () => {
  // SEC-31: whoever has the rows and this code, but not the key, tries all numbers there are.
  const everyNumber = Array.from({ length: 1_000 }, (_, i) => `+447700900${String(i).padStart(3, '0')}`);
  const guesses: readonly ((text: string, tenant: string) => Buffer)[] = [
    (text) => createHash('sha256').update(text).digest(),
    (text, tenant) => createHash('sha256').update(`${tenant}${text}`).digest(),
    (text, tenant) => createHmac('sha256', tenant).update(text).digest(),
    (text) => createHmac('sha256', new Uint8Array(32)).update(text).digest(),
    (text) => createHmac('sha256', '').update(text).digest(),
  ];

  test('is not found by trying every number, and is at once with the key', async () => {
    const rows = createKeys();
    const vault = new Vault(master(), rows.store, new ManualClock(), systemRandom);
    const keys = await vault.keysOf('acme');
    const dump = new Set(
      everyNumber.map((text) => Buffer.from(keys.callerKey(number(text))).toString('hex')),
    );
    const found = guesses.flatMap((guess) =>
      everyNumber.filter((text) => dump.has(guess(text, 'acme').toString('hex'))),
    );
    expect(found).toEqual([]);
    const stored = rows.rows.get('acme') ?? [];
    const index = vault.unwrapAll('acme', stored).find(({ purpose }) => purpose === 'index');
    const withKey = everyNumber.filter((text) =>
      dump.has(
        createHmac('sha256', index?.secret.export() ?? '')
          .update(text)
          .digest('hex'),
      ),
    );
    expect(withKey).toHaveLength(everyNumber.length);
  });

  test('differs from tenant to tenant', async () => {
    const vault = new Vault(master(), createKeys().store, new ManualClock(), systemRandom);
    const [one, other] = [await vault.keysOf('acme'), await vault.keysOf('globex')];
    expect(one.callerKey(ANA)).not.toEqual(other.callerKey(ANA));
  });
});

describe('the master key', () => {
  test('that is another is refused with its name and advice, and nothing is written', async () => {
    const { store, rows } = createKeys();
    const clock = new ManualClock();
    await new Vault(master(), store, clock, systemRandom).keysOf('acme');
    const before = JSON.stringify(rows.get('acme'));
    // The next day there would be a key to make.
    clock.advance(2 * DAY_MS);
    const other = new Vault(master(), store, clock, systemRandom);
    const refusal = other.keysOf('acme');
    await expect(refusal).rejects.toThrow(MasterKeyError);
    await expect(refusal).rejects.toThrow(/MASKLINE_MASTER_KEY.*Nothing was changed/s);
    await expect(refusal).rejects.toThrow(other.masterKeys.id);
    expect(JSON.stringify(rows.get('acme'))).toEqual(before);
  });

  test('is exchanged while both are given: the old opens, the new wraps', async () => {
    const { store, rows } = createKeys();
    const clock = new ManualClock();
    const [old, fresh] = [master(), master()];
    const sealed = (await new Vault(old, store, clock, systemRandom).keysOf('acme')).sealText('secret', {
      table: 'provider_account',
      row: 'acc_1',
    });
    const both = new Vault([fresh, old], store, clock, systemRandom);
    const place = { table: 'provider_account', row: 'acc_1' } as const;
    expect((await both.keysOf('acme')).openText(sealed, place)).toBe('secret');
    const stored = rows.get('acme') ?? [];
    rows.set(
      'acme',
      stored.map((key) => ({ ...key, wrapped: both.rewrap('acme', key) ?? key.wrapped })),
    );
    expect((rows.get('acme') ?? []).map((key) => both.rewrap('acme', key))).toEqual(stored.map(() => null));
    const alone = new Vault(fresh, store, clock, systemRandom);
    expect((await alone.keysOf('acme')).openText(sealed, place)).toBe('secret');
    await expect(new Vault(old, store, clock, systemRandom).keysOf('acme')).rejects.toThrow(MasterKeyError);
  });
});

describe('the keys of a tenant', () => {
  test('are made once, whoever comes first, and one more each day', async () => {
    const { store, rows } = createKeys();
    const clock = new ManualClock();
    const masterKey = master();
    const replicas = [1, 2, 3].map(() => new Vault(masterKey, store, clock, systemRandom));
    await Promise.all(replicas.map((vault) => vault.keysOf('acme')));
    const made = () => (rows.get('acme') ?? []).map(({ purpose, day }) => `${purpose} ${day ?? ''}`.trim());
    expect(new Set(made())).toEqual(new Set(['seal', 'index', 'fingerprint', 'seal 2026-01-01']));
    clock.advance(DAY_MS);
    const participantKey = (await (replicas[0] as Vault).keysOf('acme')).createParticipantKey();
    const sealed = (await (replicas[0] as Vault).keysOf('acme')).sealNumber(ANA, AT, participantKey);
    expect(made()).toContain('seal 2026-01-02');
    expect(
      (await (replicas[1] as Vault).keysOf('acme')).openNumber(sealed, AT, participantKey).equals(ANA),
    ).toBe(true);
  });

  test('that were changed are in use 5 s later, and are not asked for each time', async () => {
    const { store, rows, state } = createKeys();
    const clock = new ManualClock();
    const vault = new Vault(master(), store, clock, systemRandom);
    const keys = await vault.keysOf('acme');
    const asked = state.asked;
    for (let i = 0; i < 100; i++) await vault.keysOf('acme');
    expect(state.asked).toBe(asked);
    const participantKey = keys.createParticipantKey();
    const sealed = keys.sealNumber(ANA, AT, participantKey);
    rows.set(
      'acme',
      (rows.get('acme') ?? []).map((key) => (key.day ? { ...key, wrapped: null, state: 'destroyed' } : key)),
    );
    clock.advance(5_000);
    expect(() => keys.openNumber(sealed, AT, participantKey)).not.toThrow();
    const changed = await vault.keysOf('acme');
    expect(() => changed.openNumber(sealed, AT, participantKey)).toThrow(/not there any more/);
  });

  test('go on being used for a quarter of an hour when storage does not answer, and no longer', async () => {
    const { store, state } = createKeys();
    const clock = new ManualClock();
    const vault = new Vault(master(), store, clock, systemRandom);
    const keys = await vault.keysOf('acme');
    state.failure = new StorageError('unavailable', 'gone');
    clock.advance(14 * 60_000);
    expect(await vault.keysOf('acme')).toBe(keys);
    clock.advance(2 * 60_000);
    await expect(vault.keysOf('acme')).rejects.toThrow('gone');
    state.failure = null;
    expect((await vault.keysOf('acme')).callerKey(ANA)).toEqual(keys.callerKey(ANA));
  });
});
