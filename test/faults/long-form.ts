/** `MASKLINE_FAULTS=long`: more load, faults that last as long as the table says, and limits without allowance. */
export const LONG = process.env.MASKLINE_FAULTS === 'long';

/** CI shares its processors with everything else; the figures of docs/reliability.md are of the long form. */
const ALLOWANCE = LONG ? 1 : 4;

export function limit(ms: number): number {
  return ms * ALLOWANCE;
}

export function note(what: string, facts: object): void {
  console.info(`${what}: ${JSON.stringify(facts)}`);
}
