/** Something that must never happen has happened. The message names the invariant first. */
export class Violation extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Violation';
  }
}

export function demand(condition: unknown, message: () => string): asserts condition {
  if (!condition) throw new Violation(message());
}
