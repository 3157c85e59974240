/** A database of its own for a test, on the PostgreSQL that all tests share. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

export interface FreshDatabase {
  url: string;
  /** Ends its sessions and removes it. */
  drop(): Promise<void>;
}

export async function freshDatabase(): Promise<FreshDatabase> {
  const answer = await fetch(inject('sharedPostgres'));
  const shared = await answer.text();
  if (!answer.ok) throw new Error(shared);
  const name = `test_${randomBytes(6).toString('hex')}`;
  await run(shared, `create database ${name}`);
  const url = new URL(shared);
  url.pathname = name;
  return { url: url.href, drop: () => run(shared, `drop database ${name} with (force)`) };
}

async function run(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
