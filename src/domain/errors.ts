/**
 * Every error that a caller of the API can meet: a stable code that is never reused, the HTTP status that goes
 * with it, and a title. docs/errors.md is generated from this list.
 */
export const ERRORS = {
  MASK_INVALID_REQUEST: { status: 400, title: 'The request is malformed or breaks a rule of its schema.' },
  MASK_INVALID_NUMBER: { status: 422, title: 'A phone number is not a valid E.164 number.' },
  MASK_NUMBER_NOT_ALLOWED: { status: 422, title: 'A phone number may not take part in a session.' },
  MASK_PERSON_BLOCKED: { status: 422, title: 'A participant is blocked by the company.' },
  MASK_NUMBER_NOT_VERIFIED: {
    status: 422,
    title: 'The number of a participant was not verified lately enough for the pool.',
  },
  MASK_STEP_UP_OFF: { status: 409, title: 'The pool lets no unknown caller prove who they are.' },
  MASK_EQUAL_NUMBERS: { status: 422, title: 'Two participants have the same phone number.' },
  MASK_UNAUTHENTICATED: { status: 401, title: 'The API key is missing, unknown, expired or revoked.' },
  MASK_FORBIDDEN: { status: 403, title: 'The API key does not have the scope that this call needs.' },
  MASK_NOT_FOUND: { status: 404, title: 'There is nothing here by that name.' },
  MASK_ALREADY_EXISTS: { status: 409, title: 'Something by that name exists already.' },
  MASK_SECOND_PERSON_NEEDED: {
    status: 409,
    title: 'Who asked cannot approve: it takes a second API key.',
  },
  MASK_APPROVAL_CLOSED: { status: 409, title: 'What was asked is decided already, or has expired.' },
  MASK_SESSION_CLOSED: { status: 409, title: 'The session is closed.' },
  MASK_REFERENCE_ENDED: { status: 409, title: 'The order behind this reference has ended.' },
  MASK_ASSIGNMENT_SUPERSEDED: { status: 409, title: 'A newer assignment of this reference is known.' },
  MASK_POOL_EXHAUSTED: { status: 503, title: 'The pool has no virtual number to spare.' },
  MASK_POOL_IN_USE: { status: 409, title: 'The pool has numbers in sessions, so this cannot change now.' },
  MASK_VIRTUAL_NUMBER_IN_USE: {
    status: 409,
    title: 'The virtual number serves a session or rests after one.',
  },
  MASK_UNKNOWN_POOL: { status: 422, title: 'There is no pool by that name.' },
  MASK_UNKNOWN_PROVIDER_ACCOUNT: { status: 422, title: 'There is no provider account by that name.' },
  MASK_UNKNOWN_USER: { status: 422, title: 'The Profile directory does not know this user.' },
  MASK_IDEMPOTENCY_MISMATCH: { status: 422, title: 'This Idempotency-Key was used with another request.' },
  MASK_IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    title: 'A request with this Idempotency-Key is still running.',
  },
  MASK_BODY_TOO_LARGE: { status: 413, title: 'The body is larger than this endpoint accepts.' },
  MASK_UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The body must be application/json.' },
  MASK_RATE_LIMITED: { status: 429, title: 'Too many requests.' },
  MASK_WEBHOOK_NOT_AUTHENTIC: { status: 403, title: 'The webhook could not be authenticated.' },
  MASK_DEPENDENCY_UNAVAILABLE: { status: 503, title: 'Something that we depend on does not answer.' },
  MASK_INTERNAL: { status: 500, title: 'The service failed. It is our fault, and it is logged.' },
} as const;
export type ErrorCode = keyof typeof ERRORS;

/** An expected failure, told to the caller. `detail` says what to do and never holds a phone number or a secret. */
export class MasklineError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = 'MasklineError';
    this.code = code;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}
