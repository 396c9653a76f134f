import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MasklineError } from '../domain/errors.ts';
import { createCursor, readCursor } from './cursor.ts';
import { createFakeApp } from './testing/fake-app.ts';

const { vault } = createFakeApp().app;
const keys = await vault.keysOf('acme');

describe('a cursor', () => {
  test('gives back the id that it was made of', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (id) => {
        expect(readCursor(keys, 'calls', createCursor(keys, 'calls', id))).toBe(id);
      }),
    );
  });

  test('with any one character changed, added or left out is refused', () => {
    const cursor = createCursor(keys, 'calls', 'cal_01kd3v8m2x5h9q7r4t6w8y0z2b');
    for (let i = 0; i < cursor.length; i++) {
      const other = cursor[i] === 'A' ? 'B' : 'A';
      const changed = cursor.slice(0, i) + other + cursor.slice(i + 1);
      expect(() => readCursor(keys, 'calls', changed)).toThrow(MasklineError);
    }
    for (const changed of [`${cursor}A`, `${cursor}=`, cursor.slice(1), cursor.slice(0, -1), '', 'x'])
      expect(() => readCursor(keys, 'calls', changed)).toThrow(MasklineError);
  });

  test('of another list is refused', () => {
    const cursor = createCursor(keys, 'calls', 'x');
    expect(() => readCursor(keys, 'messages', cursor)).toThrow(MasklineError);
  });

  test('does not show the id of a virtual number in plain digits', () => {
    expect(createCursor(keys, 'virtual-numbers', '+12025550188')).not.toContain('2025550188');
  });
});
