import { StorageError, type StorageErrorCode } from './storage-error.ts';

/** The fields that an error of the server has under both drivers. */
export interface ServerError {
  readonly code: string;
  readonly message: string;
  readonly constraint?: string | undefined;
}

/** Five characters of SQLSTATE tell an error that the server sent from one of a socket (`ECONNRESET`). */
export function isServerError(error: unknown): error is ServerError {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false;
  return /^[0-9A-Z]{5}$/.test(error.code) && 'severity' in error;
}

const codesByState: Readonly<Record<string, StorageErrorCode>> = {
  // a deadlock or a serialization failure that retries did not get past: it was rolled back
  '40001': 'unavailable',
  '40P01': 'unavailable',
  // the session found itself on a standby
  '25006': 'unavailable',
  '25P03': 'unavailable',
  '53100': 'full',
  '53300': 'unavailable',
  '55P03': 'timeout',
  '57014': 'timeout',
  '57P01': 'unavailable',
  '57P02': 'unavailable',
  '57P03': 'unavailable',
  '57P05': 'unavailable',
};

const conflictStates = new Set(['40001', '40P01']);

/** Deadlock and serialization failure: rolled back, and likely to go through the next time. */
export function isConflict(error: unknown): boolean {
  return error instanceof StorageError && conflictStates.has(error.sqlState ?? '');
}

/** After these the session is gone or useless. */
const fatalStates = new Set(['25006', '25P03', '57P01', '57P02', '57P03', '57P05']);

/** Whether the connection that answered so must not be used again. */
export function endsSession(error: ServerError): boolean {
  return fatalStates.has(error.code) || error.code.startsWith('08') || isStalePlan(error);
}

/** A column of a prepared `select *` has changed; a new session prepares it anew. */
function isStalePlan(error: ServerError): boolean {
  return error.code === '0A000' && error.message.includes('cached plan');
}

/**
 * Neither `detail` nor the cause is kept, and no message of class 22: they quote the values of the row, and a
 * value may be personal. `where` names the statement or the step.
 */
export function toStorageError(error: ServerError, where: string): StorageError {
  const sqlState = error.code;
  const stateClass = sqlState.slice(0, 2);
  const message = stateClass === '22' ? 'a value is malformed or out of range' : error.message;
  const options = { sqlState, constraint: error.constraint ?? null };
  return new StorageError(codeOf(error, stateClass), `${where}: ${message} (SQLSTATE ${sqlState})`, options);
}

function codeOf(error: ServerError, stateClass: string): StorageErrorCode {
  if (stateClass === '23') return 'constraint';
  if (stateClass === '08' || isStalePlan(error)) return 'unavailable';
  // Writing the log or a checkpoint reports the disk as an i/o error, not as class 53.
  if (/no space left on device|disk quota exceeded/i.test(error.message)) return 'full';
  return codesByState[error.code] ?? 'other';
}
