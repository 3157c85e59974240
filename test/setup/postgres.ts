/**
 * One private PostgreSQL for the whole run of the tests, started when the first test asks for it (see database.ts).
 * It belongs to the process that runs vitest and ends with it.
 */
import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../pipeline/store/embedded.ts';
import { openDesk } from './desk.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The desk that gives the URL of the shared PostgreSQL. */
    sharedPostgres: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const desk = await openDesk(
    () => startPostgres({ fsync: false }),
    ({ url }) => url,
  );
  project.provide('sharedPostgres', desk.url);
  return async () => (await desk.close())?.stop();
}
