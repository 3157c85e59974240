import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/build.ts', 'test/setup/postgres.ts', 'test/setup/mariadb.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: true,
    // they wait for processes of their own most of the time
    maxWorkers: 3,
    maxConcurrency: 2,
    // a browser on a busy machine may take its time
    expect: { poll: { timeout: 10_000 } },
  },
});
