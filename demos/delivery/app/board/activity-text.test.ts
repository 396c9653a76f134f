import { describe, expect, it } from 'vitest';
import type { ActivityView } from '../../server/api-types.ts';
import { activityText } from './activity-text.ts';

const activity: ActivityView = {
  eventId: 'e1',
  type: 'call.started',
  at: '2026-01-01T10:00:00.000Z',
  orderId: 'ord_1',
  label: '#1001',
  from: { role: 'customer', name: 'Ana Lima' },
  to: { role: 'driver', name: 'Dario Costa' },
  virtualNumber: '+13475550101',
  reason: null,
  durationSeconds: null,
};

describe('a line of the live feed', () => {
  it.each([
    [{}, 'Ana calls Dario', false],
    [{ type: 'call.answered' }, 'Dario answered Ana', false],
    [{ type: 'call.ended', durationSeconds: 75 }, 'Ana and Dario: call ended after 1:15', false],
    [{ type: 'call.ended', durationSeconds: 0 }, 'Ana and Dario: call ended', false],
    [{ type: 'message.relayed' }, 'Ana texted Dario', false],
    [{ type: 'call.refused', reason: 'session_ended' }, 'Call refused: the order has ended', true],
    [{ type: 'message.refused', reason: 'unknown_caller' }, 'Text refused: it came from a stranger', true],
    [{ type: 'call.refused', reason: 'a reason of tomorrow' }, 'Call refused: refused', true],
    [{ from: { role: 'merchant', name: null } }, 'The merchant calls Dario', false],
    [{ from: null }, 'Somebody calls Dario', false],
  ] as const)('%o says “%s”', (change, text, isRefusal) => {
    expect(activityText({ ...activity, ...change })).toMatchObject({ text, isRefusal });
  });
});
