import { QueryClient } from '@tanstack/react-query';
import { ApiError } from './request.ts';

const RETRY_DELAY_MAX_MS = 4_000;

/** Asks again for as long as a service is away, and not at all when the answer was a refusal. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // The live stream says what is stale.
        staleTime: Number.POSITIVE_INFINITY,
        retry: (_failures, error) => !(error instanceof ApiError) || error.isPassing,
        retryDelay: (attempt) => Math.min(500 * 2 ** attempt, RETRY_DELAY_MAX_MS),
        // Whether the machine is online says nothing about a service on this machine.
        networkMode: 'always',
      },
      mutations: { networkMode: 'always' },
    },
  });
}
