import { appendFileSync } from 'node:fs';

/** `MASKLINE_FAULTS=long`: more load, faults that last as long as the table says, and limits without allowance. */
export const LONG = process.env.MASKLINE_FAULTS === 'long';

/** CI shares its processors with everything else; the figures of docs/reliability.md are of the long form. */
const ALLOWANCE = LONG ? 1 : 4;

export function limit(ms: number): number {
  return ms * ALLOWANCE;
}

/** How many of so many calls may be told the neutral sentence without a fault: CI may be too busy for 400 ms. */
export function neutralAllowed(connected: number): number {
  return LONG ? 0 : Math.ceil(connected / 5);
}

/** To the test's output, and at once to the file that MASKLINE_FAULTS_NOTES names. */
export function note(what: string, facts: object): void {
  const line = `${what}: ${JSON.stringify(facts)}`;
  console.info(line);
  const file = process.env.MASKLINE_FAULTS_NOTES;
  if (file !== undefined) appendFileSync(file, `${line}\n`);
}
