import { expect, it } from 'vitest';
import { isNotInService } from './not-in-service.ts';

it.each([
  'sip=404;q850=1',
  'sip=410',
  'failed 404',
  'failed;sip=604',
  'UNALLOCATED_NUMBER',
  'CHANUNAVAIL;q850=22',
  'number_changed',
])('hears from %j that nobody is behind the number', (cause) => {
  expect(isNotInService(cause)).toBe(true);
});

it.each([
  null,
  '',
  'sip=486;q850=17',
  'no-answer 480',
  'sip=408',
  'failed 503',
  'completed',
  'sip=403;q850=21',
  'q850=16',
  'Normal Hangup',
  'sip=1404',
])('hears nothing of the kind from %j', (cause) => {
  expect(isNotInService(cause)).toBe(false);
});
