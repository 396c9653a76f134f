import { ERRORS, type ErrorCode, MasklineError } from '../domain/errors.ts';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** One place in a request that breaks a rule. It says which rule, and never what stood there. */
export interface Issue {
  /** JSON Pointer into the body (`/participants/1/realNumber`), or `?name` for a query parameter */
  readonly path: string;
  readonly message: string;
}

/** RFC 9457, with our stable `code`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly errors?: readonly Issue[];
}

/** An expected failure that can name the places in the request. */
export class RequestError extends MasklineError {
  readonly issues: readonly Issue[];

  constructor(code: ErrorCode, detail: string, issues: readonly Issue[]) {
    super(code, detail);
    this.name = 'RequestError';
    this.issues = issues;
  }
}

/** `type` is relative to the server, which answers there with the code's title. */
export function createProblem(code: ErrorCode, detail: string, issues: readonly Issue[] = []): Problem {
  const { title, status } = ERRORS[code];
  const problem = { type: `/errors/${code}`, title, status, code, detail };
  return issues.length === 0 ? problem : { ...problem, errors: issues };
}
