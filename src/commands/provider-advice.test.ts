import { expect, it } from 'vitest';
import { ProviderError } from '../providers/provider.ts';
import { withAdvice } from './provider-advice.ts';

it('says what to do about what a provider said, and keeps its words', () => {
  const said = (code: ProviderError['code'], retryAfterSeconds?: number) => {
    const wait = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
    const error = withAdvice(new ProviderError(code, 'Twilio answered so.', wait), 'twilio');
    return error instanceof Error ? error.message : '';
  };
  expect(said('rate_limited', 17)).toMatch(
    /^Twilio answered so\. .*for 17 s; then run the same command again/,
  );
  expect(said('rate_limited')).toContain('for a while');
  expect(said('unavailable')).toContain('`maskline numbers sync --account twilio`');
  expect(said('refused')).toContain('`maskline providers test twilio`');
  expect(said('number_not_available')).toBe('Twilio answered so.');
  const other = new Error('Something else.');
  expect(withAdvice(other, 'twilio')).toBe(other);
});
