/** One private MariaDB for the whole run of the tests, started when the first test asks for it. */
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { startMariadb } from '../support/mariadb.ts';
import { askDesk, openDesk } from './desk.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The desk that gives the URL of the shared MariaDB. */
    sharedMariadb: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const desk = await openDesk(startMariadb, ({ url }) => url);
  project.provide('sharedMariadb', desk.url);
  return async () => (await desk.close())?.stop();
}

/** `mysql://` URL of it, for an administrator of the database `test`. */
export async function sharedMariadb(): Promise<string> {
  return askDesk(inject('sharedMariadb'));
}
