import { describe, expect, it } from 'vitest';
import { afterPurchase } from './after-purchase.ts';
import { ProviderError } from './provider.ts';

describe('afterPurchase', () => {
  it.each([
    ['refused', 'unavailable'],
    ['rate_limited', 'unavailable'],
    ['unavailable', 'unavailable'],
    ['number_not_available', 'number_not_available'],
  ] as const)('reports %s as %s', async (code, reported) => {
    const failing = afterPurchase(() => Promise.reject(new ProviderError(code, 'No.')));
    await expect(failing).rejects.toMatchObject({ code: reported });
  });

  it('lets results and programming errors through', async () => {
    expect(await afterPurchase(() => Promise.resolve(7))).toBe(7);
    await expect(afterPurchase(() => Promise.reject(new TypeError('x')))).rejects.toThrow(TypeError);
  });
});
