/** One fault as the schema's validator tells it. */
export interface ConfigFailure {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

/** What may be quoted of a name that nobody knows: no secret that was put in the wrong place. */
const QUOTABLE_NAME = /^[A-Za-z_]{1,40}$/;

/** What is wrong with an account's settings or credentials, each fault once and by its place, without any value. */
export function configViolations(where: string, failures: readonly ConfigFailure[]): string[] {
  return failures
    .filter(({ keyword }) => keyword !== 'boolean')
    .map((failure) => `${where}${failure.instancePath} ${messageOf(failure)}`);
}

function messageOf({ keyword, params, message }: ConfigFailure): string {
  if (keyword !== 'additionalProperties') return message;
  const { additionalProperties: names } = params as { additionalProperties?: unknown };
  const quotable = (Array.isArray(names) ? names.map(String) : []).filter((name) => QUOTABLE_NAME.test(name));
  return quotable.length === 0 ? message : `${message}: ${quotable.join(', ')} is not known`;
}
