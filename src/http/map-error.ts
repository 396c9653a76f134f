import { MasklineError } from '../domain/errors.ts';
import { ProfileDirectoryUnavailable } from '../profiles/profile-directory.ts';
import { StorageError, type StorageErrorCode } from '../storage/storage-error.ts';
import { createProblem, type Issue, type Problem, RequestError } from './problem.ts';

const ISSUES_MAXIMUM = 10;

/** Storage is not there now. A broken rule (`constraint`) or a bug (`other`) is our fault instead. */
const PASSING: ReadonlySet<StorageErrorCode> = new Set(['unavailable', 'commit_unknown', 'timeout', 'full']);

/** A validation failure as Fastify hands it on. */
interface ValidationFailure {
  readonly validation: readonly Issue[];
  readonly validationContext: string;
}

/** The only place where an error becomes an answer. What is not expected here says nothing to the caller. */
export function toProblem(error: unknown): Problem {
  if (error instanceof RequestError) return createProblem(error.code, error.message, error.issues);
  if (error instanceof MasklineError) return createProblem(error.code, error.message);
  if (isDependencyFailure(error)) {
    return createProblem('MASK_DEPENDENCY_UNAVAILABLE', 'Nothing was lost. Ask again in a moment.');
  }
  if (isValidationFailure(error)) return validationProblem(error);
  return frameworkProblem(error) ?? createProblem('MASK_INTERNAL', 'Ask again later. It is in our log.');
}

/** Whether the same request may well succeed a moment later. */
export function isDependencyFailure(error: unknown): boolean {
  if (error instanceof StorageError) return PASSING.has(error.code);
  if (error instanceof MasklineError) return error.code === 'MASK_DEPENDENCY_UNAVAILABLE';
  return error instanceof ProfileDirectoryUnavailable;
}

function isValidationFailure(error: unknown): error is ValidationFailure {
  return error instanceof Error && 'validation' in error && Array.isArray(error.validation);
}

function validationProblem(failure: ValidationFailure): Problem {
  // A path that no resource can have is a resource that is not there.
  if (failure.validationContext === 'params') return notFound();
  const issues = failure.validation.slice(0, ISSUES_MAXIMUM).map((issue) => ({
    path: pathOf(failure.validationContext, issue.path),
    message: issue.message,
  }));
  return createProblem('MASK_INVALID_REQUEST', 'Correct the places listed in `errors`.', issues);
}

function pathOf(context: string, path: string): string {
  if (context === 'querystring') return `?${path.slice(1)}`;
  return context === 'headers' ? `${path.slice(1)} (header)` : path;
}

export function notFound(): Problem {
  return createProblem(
    'MASK_NOT_FOUND',
    'Check the path and the id. What belongs to others is not there either.',
  );
}

/** Fastify's own refusals, by code; other errors of the 4xx class say no more than that the request was wrong. */
function frameworkProblem(error: unknown): Problem | null {
  if (!(error instanceof Error)) return null;
  const code = 'code' in error ? error.code : null;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return createProblem('MASK_BODY_TOO_LARGE', 'Send less. The limit is in the API document.');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return createProblem(
        'MASK_UNSUPPORTED_MEDIA_TYPE',
        'Send JSON, with `content-type: application/json`.',
      );
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return createProblem('MASK_INVALID_REQUEST', 'The body is not valid JSON in UTF-8.');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return notFound();
    default: {
      const status = 'statusCode' in error ? Number(error.statusCode) : 500;
      return status >= 400 && status < 500
        ? createProblem('MASK_INVALID_REQUEST', 'The request is no valid HTTP request.')
        : null;
    }
  }
}
