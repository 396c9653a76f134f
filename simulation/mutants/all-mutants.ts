import { ALLOCATION_MUTANTS } from './allocation-mutants.ts';
import { CALL_MUTANTS } from './call-mutants.ts';
import type { Mutant } from './mutant.ts';
import { ORDER_MUTANTS } from './order-mutants.ts';
import { LOT_MUTANTS } from './lot-mutants.ts';
import { STOCK_MUTANTS } from './stock-mutants.ts';

export const MUTANTS: readonly Mutant[] = [
  ...ALLOCATION_MUTANTS,
  ...ORDER_MUTANTS,
  ...CALL_MUTANTS,
  ...LOT_MUTANTS,
  ...STOCK_MUTANTS,
];
