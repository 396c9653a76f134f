import { exerciseStorage } from './conformance.ts';
import { describeEachDatabase } from './testing/describe-each-database.ts';

describeEachDatabase('Storage', exerciseStorage);
