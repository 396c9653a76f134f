/** What the operator refuses, in words that a program can match; the HTTP shell answers with `status`. */
export const OPERATOR_ERRORS = {
  INVALID_REQUEST: 400,
  NOT_FOUND: 404,
  NUMBER_NOT_ON_SALE: 404,
  NUMBER_NOT_AVAILABLE: 409,
  NUMBER_NOT_HELD: 404,
  CALL_NOT_FOUND: 404,
  CALL_NOT_RINGING: 409,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  TOO_MANY_CALLS: 503,
  TOO_MANY_WATCHERS: 503,
  OPERATOR_OUT_OF_ORDER: 503,
  INTERNAL: 500,
} as const;
export type OperatorErrorCode = keyof typeof OPERATOR_ERRORS;

export class OperatorError extends Error {
  readonly code: OperatorErrorCode;

  constructor(code: OperatorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OperatorError';
    this.code = code;
  }

  get status(): number {
    return OPERATOR_ERRORS[this.code];
  }
}
