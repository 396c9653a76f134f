import { defineConfig } from 'vitest/config';

// One edge at a time: the phones have fixed addresses.
// biome-ignore lint/style/noDefaultExport: Vitest reads the default export.
export default defineConfig({
  test: {
    name: 'sip',
    root: new URL('..', import.meta.url).pathname,
    include: ['sip/test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 90_000,
    fileParallelism: false,
  },
});
