import { exerciseReports } from './conformance-reports.ts';
import { describeEachDatabase } from './testing/describe-each-database.ts';

describeEachDatabase('Storage of reports of calls', exerciseReports);
