/**
 * One private PostgreSQL for the whole run of the tests, started when the first test asks for it (see database.ts).
 * It belongs to the process that runs vitest and ends with it.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { type EmbeddedPostgres, startPostgres } from '../../pipeline/store/embedded.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where a worker asks for the URL of the shared PostgreSQL. */
    sharedPostgres: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let shared: Promise<EmbeddedPostgres> | undefined;
  const desk = createServer((_, response) => {
    shared ??= startPostgres({ fsync: false });
    shared.then(
      ({ url }) => response.end(url),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((resolve) => desk.listen(0, '127.0.0.1', resolve));
  project.provide('sharedPostgres', `http://127.0.0.1:${(desk.address() as AddressInfo).port}`);

  return async () => {
    desk.closeAllConnections();
    desk.close();
    await (await shared)?.stop();
  };
}
