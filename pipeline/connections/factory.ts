/**
 * The connection factory of a task manager: one for the whole process, so that the model holds for all its jobs.
 *
 * Jobs may come with copies of this module, or load it by another path; whichever is first makes the factory, and the
 * others find it under a symbol of the global registry.
 */
import type { Connection, ConnectionPool } from '../store/store.ts';
import { openDriverPool } from './driver.ts';
import { ForwardedConnection } from './forwarded.ts';
import { GenericPool } from './generic-pool.ts';
import { type LogonCounts, Logons } from './logons.ts';
import { type ConnectionSettings, poolNameOf, type Seat } from './settings.ts';
import { type JobWaits, Waits } from './waits.ts';

const FACTORY = Symbol.for('outlive.pipeline.connections/1');

export interface PoolAccount {
  pool: string;
  jobs: JobWaits[];
}

/** What the connections of one process went through since its start. */
export interface ConnectionAccount {
  logons: LogonCounts;
  pools: PoolAccount[];
}

interface OpenPool {
  name: string;
  pool: Promise<ConnectionPool>;
  waits: Waits;
  seats: number;
}

export class ConnectionFactory {
  readonly settings: ConnectionSettings;
  readonly #logons = new Logons();
  readonly #open = new Map<string, OpenPool>();
  readonly #waits = new Map<string, Waits>();

  constructor(settings: ConnectionSettings) {
    this.settings = settings;
  }

  /** What a seat borrows from. `close()` gives the seat up; a pool is closed with the last of its seats. */
  connectionsFor(seat: Seat): ConnectionPool {
    const name = poolNameOf(this.settings.model, seat);
    const open = this.#open.get(name) ?? this.#create(name);
    open.seats++;
    return new SeatConnections(seat.job, open, () => this.#leave(name, open));
  }

  /** Whether `error` is that of a logon, which the account has counted. */
  isLogonError(error: unknown): boolean {
    return this.#logons.hasCounted(error);
  }

  account(): ConnectionAccount {
    return {
      logons: this.#logons.counts(),
      pools: [...this.#waits].map(([pool, waits]) => ({ pool, jobs: waits.jobs() })),
    };
  }

  #create(name: string): OpenPool {
    const { owner } = this.settings;
    const settings = { ...this.settings, name: owner === undefined ? name : `${owner}/${name}` };
    const isGeneric = settings.library === 'generic-pool';
    const pool = isGeneric
      ? Promise.resolve(new GenericPool(settings, this.#logons))
      : openDriverPool(settings, this.#logons);
    pool.catch(() => {}); // whoever acquires is told
    const waits = this.#waits.get(name) ?? new Waits(() => this.#logons.underWay, performance.now());
    this.#waits.set(name, waits);
    const open = { name, pool, waits, seats: 0 };
    this.#open.set(name, open);
    return open;
  }

  async #leave(name: string, open: OpenPool): Promise<void> {
    if (--open.seats > 0) return;
    this.#open.delete(name);
    await open.pool.then(
      (pool) => pool.close(),
      () => {}, // it never opened
    );
  }
}

/** The factory of this process, made by the first call. Throws when it was made with other settings. */
export function connectionFactory(settings: ConnectionSettings): ConnectionFactory {
  const shared = globalThis as { [FACTORY]?: ConnectionFactory };
  shared[FACTORY] ??= new ConnectionFactory(settings);
  const factory = shared[FACTORY];
  const differs = (Object.keys(settings) as (keyof ConnectionSettings)[]).find(
    (name) => factory.settings[name] !== settings[name],
  );
  if (differs) throw new Error(`This process has its connection factory, with another "${differs}".`);
  return factory;
}

class SeatConnections implements ConnectionPool {
  readonly name: string;
  readonly #job: string;
  readonly #open: OpenPool;
  #leave: (() => Promise<void>) | null;

  constructor(job: string, open: OpenPool, leave: () => Promise<void>) {
    this.name = open.name;
    this.#job = job;
    this.#open = open;
    this.#leave = leave;
  }

  async acquire(): Promise<Connection> {
    const ended = this.#open.waits.began(this.#job, performance.now());
    try {
      const pool = await this.#open.pool;
      const connection = await pool.acquire();
      const released = ended(true, performance.now());
      return new ForwardedConnection(connection, (error) => {
        released(performance.now());
        connection.release(error);
      });
    } catch (error) {
      ended(false, performance.now());
      throw error;
    }
  }

  async close(): Promise<void> {
    const leave = this.#leave;
    this.#leave = null;
    await leave?.();
  }
}
