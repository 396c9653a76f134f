import type { Operation } from './operation.ts';

const READ_COST = 1;
const CHANGE_COST = 2;
/** A page of up to 500 rows. */
export const LIST_COST = 5;
/** It opens sealed numbers, or looks through history, and writes a row of the audit. */
export const AUDITED_LOOK_COST = 20;

/** What an operation takes from the rate of the API key that asks, in units. */
export function costOf(operation: Pick<Operation, 'cost' | 'method'>): number {
  return operation.cost ?? (operation.method === 'GET' ? READ_COST : CHANGE_COST);
}
