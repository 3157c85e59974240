/** Where one reporting region's results are delivered: a schema in that region's database. */
import { createPool, type Pool } from 'generic-pool';
import pg from 'pg';
import type { Result } from '../jobs/result.ts';
import type { Region } from './regions.ts';

export interface SinkOptions {
  region: Region;
  /** Of the region's PostgreSQL. */
  url: string;
  /** Sessions at once. */
  maxSessions?: number;
  connectTimeoutMs?: number;
}

export class Sink {
  readonly region: Region;
  readonly #sessions: Pool<Session>;
  readonly #table: string;
  #prepared = false;

  /** Connects at the first delivery only. */
  constructor({ region, url, maxSessions = 2, connectTimeoutMs = 5_000 }: SinkOptions) {
    this.region = region;
    this.#table = `sink_${region}.results`;
    this.#sessions = createPool(
      {
        create: () => openSession(url, connectTimeoutMs),
        destroy: async ({ client }) => client?.end(),
        validate: async ({ client, problem }) => client === null || problem === null,
      },
      { max: maxSessions, testOnBorrow: true, autostart: false },
    );
  }

  /** Idempotent: a result that is already there stays once. All of the results are delivered, or it throws. */
  async deliver(results: readonly Result[]): Promise<void> {
    if (results.length === 0) return;
    const byId = new Map(results.map((result) => [result.id, result]));
    await this.#sessions.use(async ({ client, problem }) => {
      if (client === null) throw problem;
      await this.#prepare(client);
      await client.query(
        `insert into ${this.#table} (id, tenant, rule, body)
         select body->>'id', body->>'tenant', body->>'rule', body
         from unnest($1::jsonb[]) as delivered (body) order by 1
         on conflict (id) do update set body = excluded.body`,
        [[...byId.values()].map((result) => JSON.stringify(result))],
      );
    });
  }

  async close(): Promise<void> {
    await this.#sessions.drain();
    await this.#sessions.clear();
  }

  async #prepare(client: pg.Client): Promise<void> {
    if (this.#prepared) return;
    // In one statement, hence one transaction, under a lock: `if not exists` alone fails when two run it at once.
    await client.query(`
      select pg_advisory_xact_lock(hashtext('sink_${this.region}'));
      create schema if not exists sink_${this.region};
      create table if not exists ${this.#table} (
        id text primary key, tenant text not null, rule text not null, body jsonb not null
      )`);
    this.#prepared = true;
  }
}

/**
 * A session, or why there is none: generic-pool answers a factory that rejects by trying again until somebody's time is
 * up, but a region that is down should say so at once.
 */
type Session = { client: pg.Client; problem: Error | null } | { client: null; problem: Error };

async function openSession(url: string, connectTimeoutMs: number): Promise<Session> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: 60_000,
  });
  const session: Session = { client, problem: null };
  // Without a listener the loss of an idle session would end the process; with it, it is not lent again.
  client.on('error', (error) => {
    session.problem = error;
  });
  try {
    await client.connect();
    return session;
  } catch (error) {
    await client.end().catch(() => {});
    return { client: null, problem: error as Error };
  }
}
