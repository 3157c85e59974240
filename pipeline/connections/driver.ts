/** Single sessions and the driver's own pool, with their logons counted. */
import { openPool, openSession } from '../store/database.ts';
import { namesOracle } from '../store/oracle-address.ts';
import type { ConnectionPool, OwnSession } from '../store/store.ts';
import type { Logons } from './logons.ts';
import type { ConnectionSettings } from './settings.ts';

export interface PoolSettings extends ConnectionSettings {
  /** Also what the sessions are called on the server. */
  name: string;
}

export async function openCountedSession(
  { url, logonTimeout, answerTimeout }: PoolSettings,
  logons: Logons,
): Promise<OwnSession> {
  const ended = logons.began();
  try {
    const session = await openSession(url, logonTimeout, answerTimeout);
    ended();
    return session;
  } catch (error) {
    ended(error as Error);
    throw error;
  }
}

/** Connects when asked only. oracledb does not tell of its logons: of its pool only those that failed are counted. */
export async function openDriverPool(settings: PoolSettings, logons: Logons): Promise<ConnectionPool> {
  if (!namesOracle(settings.url)) return new (await import('./pg-pool.ts')).CountedPgPool(settings, logons);
  const { url, name, max, acquireTimeout, answerTimeout } = settings;
  const pool = await openPool({ url, name, max, acquireTimeout, ...(answerTimeout ? { answerTimeout } : {}) });
  return {
    name,
    acquire: () => {
      const began = performance.now();
      return pool.acquire().catch((error: Error) => {
        if (/^NJS-5\d\d/.test(error.message)) logons.failedSince(began, error);
        throw error;
      });
    },
    close: () => pool.close(),
  };
}
