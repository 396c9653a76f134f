import { defineConfig } from 'vitest/config';

// Two projects, so that a newcomer's first run stays short: `unit` needs nothing but npm; `system` starts
// the product, a browser or a database server, and says what it left out when one of them is missing.
export default defineConfig({
  test: {
    // Two cores is the machine that we promise to be quick on; more workers only fight over them.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'src/**/*.test.ts',
            'simulator/**/*.test.ts',
            'demos/delivery/**/*.test.ts',
            'test/property/**/*.test.ts',
          ],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
