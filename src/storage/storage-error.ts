export type StorageErrorCode =
  /** the database cannot be reached, gave no connection in time, or gave up after retries: nothing happened */
  | 'unavailable'
  /** the connection broke while a commit was under way: it may have happened */
  | 'commit_unknown'
  /** a constraint refused it; `constraint` says which */
  | 'constraint'
  /** the statement took longer than its limit */
  | 'timeout'
  /** no room on the disk */
  | 'full'
  | 'other';

/** Storage did not do what it was asked; `code` says whether it may have happened all the same. */
export class StorageError extends Error {
  readonly code: StorageErrorCode;
  readonly constraint: string | null;
  readonly sqlState: string | null;

  constructor(
    code: StorageErrorCode,
    message: string,
    options: ErrorOptions & { constraint?: string | null; sqlState?: string | null } = {},
  ) {
    super(message, options);
    this.name = 'StorageError';
    this.code = code;
    this.constraint = options.constraint ?? null;
    this.sqlState = options.sqlState ?? null;
  }
}

export function isConstraintError(error: unknown, constraint: string): boolean {
  return error instanceof StorageError && error.code === 'constraint' && error.constraint === constraint;
}
