import { describe, expect, it } from 'vitest';
import { invariant } from '../../lib/assert.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { exerciseProvider } from '../conformance.ts';
import { createSimulatorProvider } from './simulator-provider.ts';
import { createSimulatorBench, createSimulatorWebhooks, SECRET } from './testing/simulator-bench.ts';

exerciseProvider('simulator', createSimulatorBench);

describe('createSimulatorProvider', () => {
  const clock = new ManualClock();
  const config = { baseUrl: 'http://127.0.0.1:8081/', sharedSecret: SECRET };

  it('accepts the secret before the last while it is rotated, and not afterwards', () => {
    const webhooks = createSimulatorWebhooks(clock);
    const request = webhooks.sign(webhooks.answer({ callId: 'call-1', from: null, to: '+12155550100' }));
    const rotated = { ...config, sharedSecret: SECRET.toUpperCase() };
    const during = createSimulatorProvider({ ...rotated, previousSharedSecret: SECRET }, { clock });
    expect(during.isAuthentic(request)).toBe(true);
    expect(createSimulatorProvider(rotated, { clock }).isAuthentic(request)).toBe(false);
  });

  it('ignores an event that it does not know, and takes an unknown end for a failure', () => {
    const provider = createSimulatorProvider(config, { clock });
    const webhooks = createSimulatorWebhooks(clock);
    const status = (change: object) => {
      const body = { callId: 'call-1', event: 'ended', at: '2026-01-01T00:00:00Z', sequence: 3, ...change };
      const rawBody = new TextEncoder().encode(JSON.stringify(body));
      const webhook = webhooks.status({ callId: 'call-1', event: 'ringing', at: 0 });
      return provider.parseWebhook('status', webhooks.sign({ ...webhook, rawBody }));
    };
    expect(status({ event: 'parked' })).toMatchObject({ kind: 'ignored' });
    expect(status({ termination: 'meteorite' })).toMatchObject({
      callback: { legStatus: { termination: 'failed', durationSeconds: null, nativeCause: 'meteorite' } },
    });
    expect(() => status({ at: '2026-13-01T00:00:00Z' })).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    );
  });

  it('reads only what is short, UTF-8, and a number in international form', () => {
    const provider = createSimulatorProvider(config, { clock });
    const webhooks = createSimulatorWebhooks(clock);
    const call = webhooks.answer({ callId: 'call-1', from: '2025550101', to: '12155550100' });
    const parse = (rawBody: Uint8Array) =>
      provider.parseWebhook('answer', webhooks.sign({ ...call, rawBody }));
    expect(parse(call.rawBody)).toMatchObject({ request: { callingNumber: null, calledNumber: null } });
    const padding = (bytes: number) => Buffer.concat([call.rawBody, Buffer.alloc(bytes, ' ')]);
    expect(parse(padding(60_000)).kind).toBe('answer');
    expect(() => parse(padding(64 * 1024))).toThrow(/longer than 65536 bytes/);
    const latin1 = Buffer.from('{"callId":"ä","from":"","to":""}', 'latin1');
    expect(() => parse(latin1)).toThrow(/UTF-8/);
  });

  it.each([
    ['no secret', { baseUrl: config.baseUrl }, 'sharedSecret'],
    ['a short secret', { ...config, sharedSecret: 'hush' }, 'sharedSecret'],
    ['no address', { sharedSecret: SECRET }, 'baseUrl'],
    ['an address with a password in it', { ...config, baseUrl: 'http://me:hush@host' }, 'baseUrl'],
    ['an address of another kind', { ...config, baseUrl: 'ftp://host' }, 'baseUrl'],
    ['a misspelt option', { ...config, sharedSecrets: 'hush' }, 'additional'],
  ])('refuses to be made with %s, and says why without saying what', (_, wrong, why) => {
    const make = (): unknown => createSimulatorProvider(wrong as typeof config, { clock });
    expect(make).toThrow(why);
    expect(make).not.toThrow('hush');
  });
});

describe('the operator at its worst', () => {
  it('sells without saying so, and the list tells', async () => {
    const b = await createSimulatorBench();
    const { signal } = new AbortController();
    const urls = { answer: 'http://a.example/', status: 'http://s.example/', message: 'http://m.example/' };
    const [found] = await b.provider.searchNumbers({ country: 'US', limit: 1 }, signal);
    invariant(found, 'nothing is on sale');
    await fetch(`${b.operator.gateway.url}/faults`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ loseSellAnswers: 1 }),
    });
    const purchase = b.provider.provisionNumber(found.virtualNumber, urls, signal);
    await expect(purchase).rejects.toMatchObject({ code: 'unavailable' });
    expect(await b.provider.listNumbers(signal)).toMatchObject([{ virtualNumber: found.virtualNumber }]);
    await b.close();
  });
});
