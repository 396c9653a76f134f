import type { Statement } from './sql/connection.ts';
import { StorageError } from './storage-error.ts';

/** A plain select has no effect that could be in doubt when the connection breaks; anything else may have. */
export function changesSomething(statement: Statement): boolean {
  return !/^\s*select\b/i.test(statement.text);
}

/** For a connection that broke when a change may or may not have been committed. */
export function unknownCommit(error: unknown): StorageError {
  const reason = error instanceof Error ? error.message : String(error);
  return new StorageError('commit_unknown', `It is not known whether the change was committed: ${reason}`, {
    cause: error,
  });
}
