import { exerciseLots } from './conformance-lots.ts';
import { describeEachDatabase } from './testing/describe-each-database.ts';

describeEachDatabase('Storage asked by many at once', exerciseLots);
