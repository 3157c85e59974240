/** The database's side of a run, by the URL of a database. */
import { namesOracle } from '../pipeline/store/oracle-address.ts';
import { UserError } from '../user-error.ts';
import { type Sampler, startSampling } from './sampler.ts';
import type { DatabaseSide } from './side.ts';

export type { Sampler } from './sampler.ts';

/** By scheme; a driver is loaded only when it is needed. */
const SIDES: Record<string, (url: string) => Promise<DatabaseSide>> = {
  postgres: async (url) => new (await import('./postgres.ts')).PostgresSide(url),
  postgresql: async (url) => new (await import('./postgres.ts')).PostgresSide(url),
  mysql: async (url) => new (await import('./mysql.ts')).MysqlSide(url),
  mariadb: async (url) => new (await import('./mysql.ts')).MysqlSide(url),
  redis: async (url) => new (await import('./redis.ts')).RedisSide(url),
  rediss: async (url) => new (await import('./redis.ts')).RedisSide(url),
  oracle: async (url) => new (await import('./oracle.ts')).OracleSide(url),
};

/**
 * Watches the database at `url` until `stop()`, into `folder`, which must exist. Throws `UserError` when the URL is
 * none, or the database cannot be reached. The URL's password is written nowhere.
 */
export async function watchDatabase(url: string, folder: string): Promise<Sampler> {
  return startSampling(await sideOf(url), folder);
}

/** Whether there is a side for the kind of database that `url` names. */
export function canWatch(url: string): boolean {
  return Object.hasOwn(SIDES, schemeOf(url));
}

function schemeOf(url: string): string {
  if (namesOracle(url)) return 'oracle';
  return (/^([a-z]+):\/\//i.exec(url)?.[1] ?? '').toLowerCase();
}

/** Throws `UserError`, in which the URL itself never stands. */
async function sideOf(url: string): Promise<DatabaseSide> {
  const side = canWatch(url) ? SIDES[schemeOf(url)] : undefined;
  try {
    if (side) return await side(url);
  } catch (error) {
    if (error instanceof UserError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') throw error;
  }
  throw new UserError(
    `The URL of the database to watch must be of the form SCHEME://USER:PASSWORD@HOST:PORT/DATABASE, SCHEME being one of ${Object.keys(SIDES).join(', ')}.`,
  );
}
