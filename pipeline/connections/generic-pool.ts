/** generic-pool around single sessions of a driver. */
import { setTimeout as delay } from 'node:timers/promises';
import { createPool, type Pool } from 'generic-pool';
import type { Connection, ConnectionPool, OwnSession } from '../store/store.ts';
import { openCountedSession, type PoolSettings } from './driver.ts';
import { ForwardedConnection } from './forwarded.ts';
import type { Logons } from './logons.ts';

/** generic-pool answers a factory that rejects by trying again at once, for as long as somebody waits. */
const RETRY_PAUSE_MS = 250;

export class GenericPool implements ConnectionPool {
  readonly name: string;
  readonly #pool: Pool<OwnSession>;

  constructor(settings: PoolSettings, logons: Logons) {
    this.name = settings.name;
    this.#pool = createPool(
      {
        create: async () => {
          try {
            return await openCountedSession(settings, logons);
          } catch (error) {
            await delay(RETRY_PAUSE_MS);
            throw error;
          }
        },
        destroy: (session) => session.end().finally(() => logons.sessionEnded()),
        validate: async (session) => session.lost === null,
      },
      {
        max: settings.max,
        testOnBorrow: true,
        acquireTimeoutMillis: settings.acquireTimeout,
        idleTimeoutMillis: settings.idleTimeout,
        evictionRunIntervalMillis: Math.max(100, settings.idleTimeout / 2),
        // all that are due; by default three a round
        numTestsPerEvictionRun: settings.max,
      },
    );
    // counted among the logons; a session that fails to end is gone all the same
    this.#pool.on('factoryCreateError', () => {});
    this.#pool.on('factoryDestroyError', () => {});
  }

  async acquire(): Promise<Connection> {
    const session = await this.#pool.acquire();
    return new ForwardedConnection(session, (error) => {
      const returned = error ? this.#pool.destroy(session) : this.#pool.release(session);
      void Promise.resolve(returned).catch(() => {});
    });
  }

  async close(): Promise<void> {
    await this.#pool.drain();
    await this.#pool.clear();
  }
}
