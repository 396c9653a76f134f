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
    expect(config.masterKey).toHaveLength(32);
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
