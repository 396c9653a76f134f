import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

// Projects, so that a newcomer's first run stays short: `unit` needs nothing but npm; `system` starts the product, a
// browser or a database server; `thorough` kills and fills databases and brokers; `production` starts replicas on
// PostgreSQL and Kafka, and `timed` does so with a promise of how long something takes; `faults` does to them, and to the ways between them, what happens in production; `sip` makes
// real calls through the edge; `simulation` plays seeds. scripts/test.ts chooses, and says what it left out.
// What takes long and changes seldom: databases and brokers that are killed, filled and cut off.
const THOROUGH = [
  'src/storage/pglite/**/*.test.ts',
  'src/storage/postgres/**/*.test.ts',
  'src/storage/{migrate,database}.test.ts',
  'src/bus/kafka/**/*.test.ts',
  'test/privacy/**/*.test.ts',
];

// What must happen within seconds while much else happens.
const TIMED = [
  'test/production/{kill-loops,replicas,revocation,rotation}.test.ts',
  'src/storage/postgres/{postgres-faults,server-restart}.test.ts',
];
const NOT_OURS = '**/node_modules/**';
// Two files at once would be late for each other.
const ALONE = { fileParallelism: false };

export default defineConfig({
  test: {
    // Two cores is the machine that we promise to be quick on; more workers only fight over them.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          // The files of one worker share its modules and its engines (src/storage/testing/lent-databases.ts): to load
          // them anew for each file would take as long as the tests themselves. Nothing here keeps state in a module.
          isolate: false,
          include: [
            'src/**/*.test.ts',
            'simulator/**/*.test.ts',
            'demos/delivery/**/*.test.ts',
            'test/property/**/*.test.ts',
            'test/rules/**/*.test.ts',
            'bench/**/*.test.ts',
            'test/faults/proxy/**/*.test.ts',
          ],
          exclude: [NOT_OURS, ...THOROUGH],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          testTimeout: 60_000,
          // As long as a start of the product may take.
          hookTimeout: 150_000,
        },
      },
      {
        test: {
          name: 'thorough',
          include: THOROUGH,
          exclude: [NOT_OURS, ...TIMED],
          testTimeout: 60_000,
          hookTimeout: 150_000,
        },
      },
      {
        test: {
          name: 'production',
          include: ['test/production/**/*.test.ts', 'test/races/**/*.test.ts'],
          exclude: [NOT_OURS, ...TIMED],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'timed',
          include: TIMED,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          ...ALONE,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          ...ALONE,
        },
      },
      {
        test: {
          name: 'sip',
          include: ['sip/test/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          // What is heard is measured while it is spoken.
          ...ALONE,
        },
      },
      {
        test: {
          name: 'simulation',
          include: ['simulation/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
