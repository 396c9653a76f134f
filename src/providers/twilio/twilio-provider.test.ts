import { exerciseProvider } from '../conformance.ts';
import { createTwilioBench } from './testing/twilio-bench.ts';

exerciseProvider('twilio', createTwilioBench);
