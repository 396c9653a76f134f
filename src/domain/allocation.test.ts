import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignVirtualNumbers } from './allocation.ts';
import type { VirtualNumber } from './virtual-number.ts';

const number = (n: number): VirtualNumber => `+1202555${String(1000 + n)}` as VirtualNumber;

/** Tries every combination: slow, and obviously right. */
function possible(
  candidates: readonly (readonly VirtualNumber[])[],
  taken: readonly VirtualNumber[] = [],
): boolean {
  const [first, ...rest] = candidates;
  if (first === undefined) return true;
  return first.some((n) => !taken.includes(n) && possible(rest, [...taken, n]));
}

describe('assignVirtualNumbers', () => {
  it('takes the first preference of each when they differ', () => {
    expect(assignVirtualNumbers([[number(1), number(2)], [number(3)]])).toEqual([number(1), number(3)]);
  });

  it('moves an earlier participant when a later one has no other choice', () => {
    expect(assignVirtualNumbers([[number(1), number(2)], [number(1)]])).toEqual([number(2), number(1)]);
  });

  it('says null when two participants have one number between them', () => {
    expect(assignVirtualNumbers([[number(1)], [number(1)]])).toBeNull();
  });

  it('finds a choice exactly when one exists, and it is legal', () => {
    const side = fc.uniqueArray(fc.integer({ min: 0, max: 5 }).map(number), { maxLength: 5 });
    fc.assert(
      fc.property(fc.array(side, { minLength: 2, maxLength: 5 }), (candidates) => {
        const chosen = assignVirtualNumbers(candidates);
        expect(chosen !== null).toBe(possible(candidates));
        if (chosen === null) return;
        expect(new Set(chosen).size).toBe(candidates.length);
        chosen.forEach((n, participant) => {
          expect(candidates[participant]).toContain(n);
        });
      }),
      { numRuns: 2_000 },
    );
  });
});
