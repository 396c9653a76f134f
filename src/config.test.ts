import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { inspectServeConfig, readDevConfig, readServeConfig } from './config.ts';
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

  it.each([
    { MASKLINE_PUBLIC_URL: 'https://calls.example.com:8443' },
    { MASKLINE_PUBLIC_URL: 'https://calls.example.com:443/' },
    { MASKLINE_PUBLIC_URL: 'https://Calls.example.com' },
    { MASKLINE_PUBLIC_URL: 'https://[2001:db8::1]:8443' },
    { MASKLINE_TRUSTED_PROXIES: 'loopback, 10.0.0.0/8, 192.0.2.7, 2001:db8::/32, 10.0.0.0/255.0.0.0' },
    { DATABASE_URL: 'postgres://maskline:a%40b@one:5432,two,[2001:db8::1]:5433/maskline?sslmode=disable' },
    { DATABASE_URL: 'postgresql:///maskline?host=/var/run/postgresql' },
    { DATABASE_URL: 'postgres://db' },
  ])('accepts %j', (change) => {
    expect(violations(() => readServeConfig({ ...complete, ...change }))).toEqual([]);
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
    [{ MASKLINE_PUBLIC_URL: 'https://calls.example.com/masking' }, 'scheme, host and port only'],
    [{ MASKLINE_PUBLIC_URL: 'https://calls.example.com/?a=b' }, 'scheme, host and port only'],
    [{ MASKLINE_PUBLIC_URL: 'https://me:hush@calls.example.com' }, 'scheme, host and port only'],
    [{ MASKLINE_TRUSTED_PROXIES: '10.0.0.0/8,balancer' }, 'MASKLINE_TRUSTED_PROXIES names "balancer"'],
    [{ MASKLINE_TRUSTED_PROXIES: '10.0.0.0/33' }, 'MASKLINE_TRUSTED_PROXIES names "10.0.0.0/33"'],
    [{ KAFKA_BROKERS: 'one:99999' }, 'KAFKA_BROKERS must be'],
    [{ DATABASE_URL: 'mysql://db/maskline' }, 'must begin with postgres://'],
    [{ DATABASE_URL: 'postgres://maskline@db:port/maskline' }, 'a port that is none'],
    [{ DATABASE_URL: 'postgres://maskline@one:5432,two:99999/maskline' }, 'a port that is none'],
    [{ DATABASE_URL: 'postgres://maskline:pass/word@db/maskline' }, 'a port that is none'],
    [{ MASKLINE_PORT: 'tcp://10.0.0.1:8080' }, 'enableServiceLinks'],
  ])('refuses %j', (change, words) => {
    expect(violations(() => readServeConfig({ ...complete, ...change })).join('\n')).toContain(words);
  });

  it('names variables that nothing reads, which are misspelt most likely', () => {
    const misspelt = { MASKLINE_LOGLEVEL: 'debug', MASKLINE_TRUSTED_PROXY: '10.0.0.1' };
    const others = { MASKLINE_LOG_LEVEL: 'debug', MASKLINE_SERVICE_HOST: '10.0.0.1', PATH: '/bin' };
    const { unknown } = inspectServeConfig({ ...complete, ...misspelt, ...others });
    expect(unknown).toEqual(['MASKLINE_LOGLEVEL', 'MASKLINE_TRUSTED_PROXY']);
    const { unknown: none } = inspectServeConfig({
      ...complete,
      PROFILE_TOKEN: 'x',
      MASKLINE_TENANT: 'acme',
    });
    expect(none).toEqual([]);
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
