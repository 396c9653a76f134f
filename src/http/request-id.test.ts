import { expect, test } from 'vitest';
import { ManualClock } from '../lib/manual-clock.ts';
import { seededRandom } from '../lib/random.ts';
import { requestIdOf } from './request-id.ts';

const idOf = (header: string | string[] | undefined) =>
  requestIdOf(header, new ManualClock(), seededRandom(1));

test.each(['deploy-42', '6f9619ff-8b86-d011-b42d-00cf4fc964ff', '4bf92f3577b34da6a3ce929d0e0e4736'])(
  'the plain id %s is kept',
  (id) => {
    expect(idOf(id)).toBe(id);
  },
);

test.each([
  undefined,
  '',
  'with space',
  'line\nbreak',
  'x'.repeat(65),
  '12025550123',
  'caller-2025550123',
  '+12025550123',
  // A number, dressed up as a trace id or a UUID.
  '00000000000000000000012025550123',
  '12025550-1230-0000-0000-000000000000',
])('%j is replaced by an id of ours', (id) => {
  expect(idOf(id)).toMatch(/^req_[0-9a-z]{26}$/);
});

test('of several ids none is taken', () => {
  expect(idOf(['one', 'two'])).toMatch(/^req_/);
});
