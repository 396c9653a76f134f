import { exerciseSpend } from './conformance-spend.ts';
import { describeEachDatabase } from './testing/describe-each-database.ts';

describeEachDatabase('Storage of what is spent', exerciseSpend);
