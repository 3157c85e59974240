/** Where one reporting region's results are delivered: a table in that region's database. */
import { createPool, type Pool } from 'generic-pool';
import type { Result } from '../jobs/result.ts';
import { openSession } from '../store/database.ts';
import { prepareTables, type Schema } from '../store/migrate.ts';
import type { OwnSession, Statement } from '../store/store.ts';
import { table } from '../store/tables.ts';
import { upsert } from '../store/upsert.ts';
import type { Region } from './regions.ts';

export interface SinkOptions {
  region: Region;
  /** Of the region's database. */
  url: string;
  /** Sessions at once. */
  maxSessions?: number;
  connectTimeoutMs?: number;
}

/**
 * A session, or why there is none: generic-pool answers a factory that rejects by trying again until somebody's time is
 * up, but a region that is down should say so at once.
 */
type Opened = OwnSession | Error;

export class Sink {
  readonly region: Region;
  readonly #sessions: Pool<Opened>;
  readonly #deliver: Statement;
  #prepared = false;

  /** Connects at the first delivery only. */
  constructor({ region, url, maxSessions = 2, connectTimeoutMs = 5_000 }: SinkOptions) {
    this.region = region;
    this.#deliver = upsert(sinkTable(region), { id: 'text' }, { tenant: 'text', rule: 'text', body: 'jsonb' });
    this.#sessions = createPool(
      {
        create: () => openSession(url, connectTimeoutMs).catch((error: Error) => error),
        destroy: async (opened) => (opened instanceof Error ? undefined : opened.end()),
        validate: async (opened) => opened instanceof Error || opened.lost === null,
      },
      { max: maxSessions, testOnBorrow: true, autostart: false },
    );
  }

  /** Idempotent: a result that is already there stays once. All of the results are delivered, or it throws. */
  async deliver(results: readonly Result[]): Promise<void> {
    if (results.length === 0) return;
    const byId = new Map(results.map((result) => [result.id, result]));
    // In one order everywhere, so that two deliveries do not deadlock.
    const rows = [...byId.keys()].sort().map((id) => {
      const result = byId.get(id)!;
      return [id, result.tenant, result.rule, JSON.stringify(result)];
    });
    await this.#sessions.use(async (session) => {
      if (session instanceof Error) throw session;
      if (!this.#prepared) await prepareTables(session, schemaOf(this.region));
      this.#prepared = true;
      await session.begin();
      try {
        await session.executeMany(this.#deliver, rows);
        await session.commit();
      } catch (error) {
        await session.rollback().catch(() => {}); // what failed the delivery is what matters
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    await this.#sessions.drain();
    await this.#sessions.clear();
  }
}

/** In Oracle a schema is a user: there the name of the table says it all. */
export function sinkTable(region: Region) {
  const name = identifierOf(region);
  return { postgres: `sink_${name}.results`, oracle: `sink_${name}_results` };
}

function identifierOf(region: Region): string {
  return region.replaceAll('-', '_');
}

/** A region's database has a version of its own: it may be brought up later than the pipeline's. */
function schemaOf(region: Region): Schema {
  const results = sinkTable(region);
  const tables = [
    { postgres: `create schema sink_${identifierOf(region)}`, oracle: [] },
    table(
      ({ name, text, jsonb }, dialect) => `create table ${results[dialect]} (
        id ${name} primary key,
        tenant ${name} not null,
        rule ${text} not null,
        body ${jsonb} not null
      )`,
    ),
  ];
  return { name: `sink ${region}`, tables, oldest: results, steps: [] };
}
