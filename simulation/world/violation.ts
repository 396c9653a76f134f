/** Something that must never happen has happened. The message names the invariant first. */
export class Violation extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Violation';
  }
}

/** Which promise a violation names: its identifier, or the words before the colon. */
export function promiseOf(message: string): string {
  return /^(?:[A-Z]+-\d+|M\d+)/.exec(message)?.[0] ?? message.split(':')[0] ?? message;
}

export function demand(condition: unknown, message: () => string): asserts condition {
  if (!condition) throw new Violation(message());
}
