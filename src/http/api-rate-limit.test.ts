import { describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/manual-clock.ts';
import { ApiRateLimit } from './api-rate-limit.ts';
import { createFakeApp } from './testing/fake-app.ts';
import { createTestServer } from './testing/test-server.ts';

describe('ApiRateLimit', () => {
  function create() {
    const clock = new ManualClock();
    return { clock, limit: new ApiRateLimit({ unitsPerSecond: 10, burst: 20 }, clock) };
  }

  it('lets a burst through, and then what the rate gives', async () => {
    const { clock, limit } = create();
    for (let n = 0; n < 20; n++) expect(limit.take('key', 1)).toBeNull();
    expect(limit.take('key', 1)).toEqual({ retryAfterSeconds: 1 });
    await clock.advance(300);
    for (let n = 0; n < 3; n++) expect(limit.take('key', 1)).toBeNull();
    expect(limit.take('key', 1)).not.toBeNull();
  });

  it('says when there will be enough', async () => {
    const { clock, limit } = create();
    expect(limit.take('key', 20)).toBeNull();
    expect(limit.take('key', 20)).toEqual({ retryAfterSeconds: 2 });
    await clock.advance(2_000);
    expect(limit.take('key', 20)).toBeNull();
  });

  it('counts each key by itself', () => {
    const { limit } = create();
    expect(limit.take('one', 20)).toBeNull();
    expect(limit.take('one', 1)).not.toBeNull();
    expect(limit.take('other', 1)).toBeNull();
  });

  it('never saves up more than a burst, and lets what costs more run alone', async () => {
    const { clock, limit } = create();
    await clock.advance(3_600_000);
    expect(limit.take('key', 1_000)).toBeNull();
    expect(limit.take('key', 1)).not.toBeNull();
  });

  it('forgets the oldest of very many keys', () => {
    const { limit } = create();
    expect(limit.take('first', 20)).toBeNull();
    for (let n = 0; n < 5_000; n++) limit.take(`key-${n}`, 1);
    expect(limit.take('first', 1)).toBeNull();
  });
});

describe('the rate of an API key, over HTTP', () => {
  it('refuses with 429 and Retry-After, does nothing, and recovers', async () => {
    const fake = createFakeApp();
    const key = fake.createKey(['calls:read']);
    const other = fake.createKey(['calls:read']);
    const server = createTestServer(fake.app, { apiRate: { unitsPerSecond: 1, burst: 3 } });
    const look = (by: string) => server.ask(by, 'GET', '/v1/calls/cal_1');
    for (let n = 0; n < 3; n++) expect((await look(key)).statusCode).not.toBe(429);
    const refused = await look(key);
    expect(refused.statusCode).toBe(429);
    expect(refused.headers['retry-after']).toBe('1');
    expect(refused.headers['content-type']).toContain('application/problem+json');
    expect(refused.json()).toMatchObject({ code: 'MASK_RATE_LIMITED', status: 429 });
    expect((await look(other)).statusCode).not.toBe(429);
    await fake.clock.advance(1_000);
    expect((await look(key)).statusCode).not.toBe(429);
  });

  it('takes more for a list than for a look-up', async () => {
    const fake = createFakeApp();
    const key = fake.createKey(['calls:read']);
    const server = createTestServer(fake.app, { apiRate: { unitsPerSecond: 1, burst: 7 } });
    expect((await server.ask(key, 'GET', '/v1/calls')).statusCode).not.toBe(429);
    expect((await server.ask(key, 'GET', '/v1/calls')).statusCode).toBe(429);
    expect((await server.ask(key, 'GET', '/v1/calls/cal_1')).statusCode).not.toBe(429);
  });
});
