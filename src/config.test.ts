import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readDevConfig, readServeConfig } from './config.ts';
import { ConfigError } from './settings-reader.ts';

const complete = {
  DATABASE_URL: 'postgres://maskline@db/maskline',
  KAFKA_BROKERS: 'one:9092,two:9092',
  MASKLINE_PUBLIC_URL: 'https://calls.example.com/',
  MASKLINE_MASTER_KEY: randomBytes(32).toString('base64'),
};

function violations(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.violations;
    throw error;
  }
  return [];
}

describe('readDevConfig', () => {
  it('has a default for everything', () => {
    expect(readDevConfig({})).toMatchObject({
      port: 8080,
      simulatorPort: 8081,
      deliveryPort: 8082,
      dataDir: '.maskline',
    });
  });

  it('names all that is wrong at once', () => {
    const found = violations(() =>
      readDevConfig({ MASKLINE_PORT: 'x', DELIVERY_PORT: '8081', MASKLINE_LOG_LEVEL: 'loud' }),
    );
    expect(found).toHaveLength(3);
  });
});

describe('readServeConfig', () => {
  it('accepts what production needs', () => {
    const config = readServeConfig(complete);
    expect(config.publicUrl).toBe('https://calls.example.com');
    expect(config.kafka?.brokers).toEqual(['one:9092', 'two:9092']);
    expect(config.masterKeys).toMatchObject([{ kind: 'given', key: { length: 32 } }]);
  });

  it('refuses to start on nothing, and lists all that is missing', () => {
    const found = violations(() => readServeConfig({})).join('\n');
    for (const name of ['DATABASE_URL', 'KAFKA_BROKERS', 'MASKLINE_PUBLIC_URL', 'MASKLINE_MASTER_KEY']) {
      expect(found).toContain(name);
    }
  });

  it.each([
    [{ MASKLINE_PUBLIC_URL: 'http://calls.example.com' }, 'https://'],
    [{ MASKLINE_MASTER_KEY: 'c2hvcnQ=' }, '32 bytes'],
    [{ MASKLINE_DEV_API_KEY: 'a-development-key' }, '`dev` only'],
    [{ MASKLINE_ROLES: 'api,cook' }, '"cook"'],
    [{ KAFKA_SASL_USERNAME: 'somebody' }, 'belong together'],
    [{ PROFILE_URL: 'https://profiles.example.com' }, 'PROFILE_TOKEN'],
  ])('refuses %j', (change, words) => {
    expect(violations(() => readServeConfig({ ...complete, ...change })).join('\n')).toContain(words);
  });

  it('never repeats a secret in what it says', () => {
    const found = violations(() => readServeConfig({ ...complete, MASKLINE_MASTER_KEY: 'hunter2hunter2' }));
    expect(found.join('\n')).not.toContain('hunter2');
  });
});

describe('where the master key comes from', () => {
  const { MASKLINE_MASTER_KEY: _, ...without } = complete;
  const vault = {
    MASKLINE_MASTER_KEY_VAULT_URL: 'https://vault.example:8200/',
    MASKLINE_MASTER_KEY_VAULT_KEY: 'maskline',
    MASKLINE_MASTER_KEY_VAULT_TOKEN: 'hvs.x',
    MASKLINE_MASTER_KEY_VAULT_CIPHERTEXT: 'vault:v1:abc',
  };

  it.each([
    ['words', 'aws kms  decrypt --query Plaintext', ['aws', 'kms', 'decrypt', '--query', 'Plaintext']],
    ['a JSON array', '["/opt/my program","a b"]', ['/opt/my program', 'a b']],
  ])('may be a program, given as %s', (__, text, command) => {
    const { masterKeys } = readServeConfig({ ...without, MASKLINE_MASTER_KEY_COMMAND: text });
    expect(masterKeys).toEqual([{ kind: 'command', command }]);
  });

  it('may be Vault, and while it is exchanged another that opens', () => {
    const also = randomBytes(32).toString('base64');
    const { masterKeys } = readServeConfig({ ...without, ...vault, MASKLINE_MASTER_KEY_ALSO: also });
    expect(masterKeys).toMatchObject([
      { kind: 'vault', url: 'https://vault.example:8200', key: 'maskline' },
      { kind: 'given' },
    ]);
  });

  it.each([
    [{ ...vault, MASKLINE_MASTER_KEY_VAULT_URL: 'http://vault.example' }, 'https://'],
    [{ ...vault, MASKLINE_MASTER_KEY_VAULT_TOKEN: '' }, 'VAULT_TOKEN'],
    [{ MASKLINE_MASTER_KEY_COMMAND: '[1]' }, 'JSON array'],
    [{ MASKLINE_MASTER_KEY_COMMAND: '[' }, 'JSON array'],
    [{ ...vault, MASKLINE_MASTER_KEY_COMMAND: 'x' }, 'exclude each other'],
    [{ ...vault, MASKLINE_MASTER_KEY: randomBytes(32).toString('base64') }, 'exclude each other'],
  ])('refuses %j', (settings, reason) => {
    expect(violations(() => readServeConfig({ ...without, ...settings })).join('\n')).toContain(reason);
  });
});
