/** pg's own pool, with the logons of its clients counted. */
import pg from 'pg';
import { PostgresConnection } from '../store/postgres.ts';
import { ANSWER_LIMIT_MS, type Connection, type ConnectionPool } from '../store/store.ts';
import type { PoolSettings } from './driver.ts';
import type { Logons } from './logons.ts';

export class CountedPgPool implements ConnectionPool {
  readonly name: string;
  readonly #pool: pg.Pool;

  constructor(settings: PoolSettings, logons: Logons) {
    const { url, name, max, idleTimeout, acquireTimeout, logonTimeout, answerTimeout } = settings;
    this.name = name;
    this.#pool = new pg.Pool({
      connectionString: url,
      application_name: name,
      max,
      idleTimeoutMillis: idleTimeout,
      // of the pool: from acquire() on, the queue and the logon together
      connectionTimeoutMillis: acquireTimeout,
      query_timeout: answerTimeout ?? ANSWER_LIMIT_MS,
      pipeline: true,
      Client: countedClient(logons, logonTimeout),
    });
    // a session lost by a restart of the database fails its next query; unheard, its event would end the process
    this.#pool.on('error', () => {});
  }

  async acquire(): Promise<Connection> {
    return new PostgresConnection(await this.#pool.connect());
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

type Connected = ((error: Error) => void) | ((error: null, client: pg.Client) => void);

/** The pool hands its clients its own time-out, so theirs is given apart. */
function countedClient(logons: Logons, logonTimeout: number): typeof pg.Client {
  return class CountedClient extends pg.Client {
    constructor(config?: pg.ClientConfig) {
      super({ ...config, connectionTimeoutMillis: logonTimeout });
      this.on('error', () => {});
    }

    override connect(): Promise<pg.Client>;
    override connect(callback: Connected): void;
    override connect(callback?: Connected): unknown {
      const ended = logons.began();
      const conclude = (error?: Error | null) => {
        ended(error);
        if (!error) this.once('end', () => logons.sessionEnded());
      };
      if (!callback) {
        const connected = super.connect();
        connected.then(() => conclude(), conclude);
        return connected;
      }
      return super.connect((error: Error) => {
        conclude(error);
        (callback as (error: Error, client: pg.Client) => void)(error, this);
      });
    }
  };
}
