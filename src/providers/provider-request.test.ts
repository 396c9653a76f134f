import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/manual-clock.ts';
import { type OperatorAnswer, OperatorGateway } from './conformance-gateway.ts';
import { ANSWER_BYTES_MAXIMUM, requestProvider } from './provider-request.ts';

describe('requestProvider', () => {
  const clock = new ManualClock();
  const { signal } = new AbortController();
  let answer: OperatorAnswer;
  let gateway: OperatorGateway;
  beforeEach(async () => {
    answer = { status: 200, body: '{}' };
    gateway = await OperatorGateway.start(() => answer);
  });
  afterEach(() => gateway.stop());

  const get = () => requestProvider({ method: 'GET', url: `${gateway.url}/numbers`, signal }, clock);

  it('returns what came, whatever its status', async () => {
    answer = { status: 418, headers: { 'retry-after': '3' }, body: '{"a":[1]}' };
    const { status, headers, json } = await get();
    expect({ status, json, wait: headers.get('retry-after') }).toEqual({
      status: 418,
      json: { a: [1] },
      wait: '3',
    });
    answer = { status: 200, body: '<html>' };
    expect((await get()).json).toBeUndefined();
  });

  it('sends a body with its headers', async () => {
    const headers = { 'content-type': 'application/json', authorization: 'Bearer x' };
    const url = `${gateway.url}/numbers?a=1`;
    await requestProvider({ method: 'POST', url, headers, body: '{"a":1}', signal }, clock);
    expect(gateway.requests).toMatchObject([
      { method: 'POST', path: '/numbers?a=1', body: '{"a":1}', headers },
    ]);
  });

  it('follows no redirect, so that nobody else gets the credentials', async () => {
    answer = { status: 302, headers: { location: `${gateway.url}/elsewhere` } };
    await expect(get()).rejects.toMatchObject({ code: 'unavailable' });
    expect(gateway.requests.map((request) => request.path)).toEqual(['/numbers']);
  });

  it('reads an answer of one mebibyte, and not a byte more', async () => {
    answer = { status: 200, body: `"${'x'.repeat(ANSWER_BYTES_MAXIMUM - 2)}"` };
    expect((await get()).json).toHaveLength(ANSWER_BYTES_MAXIMUM - 2);
    answer = { status: 200, body: `"${'x'.repeat(ANSWER_BYTES_MAXIMUM - 1)}"` };
    await expect(get()).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('waits ten seconds', async () => {
    gateway.disturb({ kind: 'silence' });
    const arrived = gateway.arrival();
    let settled = false;
    const waiting = get().catch((error: unknown) => {
      settled = true;
      return error;
    });
    await arrived;
    clock.advance(9_999);
    // A whole exchange with the same server takes longer than an abort would need to be noticed.
    await get();
    expect(settled).toBe(false);
    clock.advance(1);
    expect(await waiting).toMatchObject({ code: 'unavailable', message: expect.stringContaining('in time') });
  });
});
