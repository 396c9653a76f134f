import { describe, expect, it } from 'vitest';
import { parseConnectionTargets, targetLabel } from './connection-targets.ts';

describe('parseConnectionTargets', () => {
  it.each([
    ['postgres://u:p@db:5432/maskline', ['postgres://u:p@db:5432/maskline'], false],
    [
      'postgresql://u:p@a:5432,b:5433/maskline?target_session_attrs=read-write&sslmode=require',
      [
        'postgresql://u:p@a:5432/maskline?sslmode=require',
        'postgresql://u:p@b:5433/maskline?sslmode=require',
      ],
      false,
    ],
    [
      'postgres://a,b,c/m?target_session_attrs=any',
      ['postgres://a/m', 'postgres://b/m', 'postgres://c/m'],
      true,
    ],
    ['postgres://u:p%40ss@[::1]:5432/m', ['postgres://u:p%40ss@[::1]:5432/m'], false],
    ['postgres:///m?host=/run/postgresql', ['postgres:///m?host=%2Frun%2Fpostgresql'], false],
  ])('takes %s apart', (given, urls, standbyAllowed) => {
    expect(parseConnectionTargets(given)).toEqual({ urls, standbyAllowed });
  });

  it.each([
    'mysql://u:secret@db/m',
    'postgres://u:secret@db/m?target_session_attrs=standby',
    'postgres://u:se@cret@db/m',
  ])('refuses %s without showing the password', (given) => {
    expect(() => parseConnectionTargets(given)).toThrow(/^(?!.*secret)(?!.*se@cret).*$/);
  });

  it('shows a host without its credentials', () => {
    expect(targetLabel('postgres://u:secret@db:5432/maskline?x=1')).toBe('db:5432');
    expect(targetLabel('postgres:///maskline')).toBe('the default host');
  });
});
