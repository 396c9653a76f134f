import { ProviderError } from '../providers/provider.ts';

/** What a provider said, and what to do about it; anything else as it is. */
export function withAdvice(error: unknown, account: string): unknown {
  if (!(error instanceof ProviderError)) return error;
  const advice = adviceOn(error, account);
  return advice === '' ? error : new Error(`${error.message} ${advice}`, { cause: error });
}

function adviceOn({ code, retryAfterSeconds }: ProviderError, account: string): string {
  switch (code) {
    case 'rate_limited':
      return `It wants to be left alone${retryAfterSeconds === null ? ' for a while' : ` for ${retryAfterSeconds} s`}; then run the same command again. What was done before stays done.`;
    case 'unavailable':
      return `Try again later. Whether a purchase under way was made, the running service finds out, or \`maskline numbers sync --account ${account}\`.`;
    case 'refused':
      return `Asking again changes nothing; docs/providers says what the provider wants, and \`maskline providers test ${account}\` whether its credentials are right.`;
    default:
      return '';
  }
}
