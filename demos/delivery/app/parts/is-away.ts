import { ApiError } from '../api/request.ts';

interface Asked {
  readonly failureReason: Error | null;
}

/** Whether a question is being repeated because the service behind it does not answer. */
export function isAway({ failureReason }: Asked): boolean {
  return failureReason instanceof ApiError && failureReason.isPassing;
}
