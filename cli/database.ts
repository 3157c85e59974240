/** `--database-url URL`: the database's own side, watched while the program runs. */
import { type Sampler, watchDatabase } from '../database/index.ts';
import { removeIfEmpty } from '../probe/recording/folder.ts';
import type { Option } from './options.ts';

export const DATABASE_URL = {
  value: 'URL',
  multiple: true,
  help:
    "watch this database's own side too (or OUTLIVE_DATABASE_URL): its sessions are joined with the lines that hold them; " +
    'postgres://USER:PASSWORD@HOST:PORT/DATABASE, or the like with mysql, mariadb, redis or rediss; oracle://… with a ' +
    'SERVICE, not yet tried on a real Oracle',
} as const satisfies Option;

export interface DatabaseWatch {
  stop(): Promise<void>;
}

/** As given, or of the environment, where a password is not seen by `ps`; what is started does not inherit it. */
export function databaseUrls(given: readonly string[]): string[] {
  const { OUTLIVE_DATABASE_URL: fallback } = process.env;
  delete process.env.OUTLIVE_DATABASE_URL;
  return given.length > 0 ? [...given] : fallback ? [fallback] : [];
}

/** Throws `UserError` when one cannot be reached: nothing has been started by then. */
export async function watchDatabases(urls: readonly string[], out: string): Promise<DatabaseWatch> {
  const samplers: Sampler[] = [];
  const stop = async () => {
    await Promise.all(samplers.map((sampler) => sampler.stop()));
  };
  try {
    for (const url of urls) samplers.push(await watchDatabase(url, out));
  } catch (error) {
    await stop();
    removeIfEmpty(out);
    throw error;
  }
  return { stop };
}
