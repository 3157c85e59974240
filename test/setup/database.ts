/** A database of its own for a test, on the PostgreSQL that all tests share. */
import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { createDatabase } from '../../pipeline/store/database.ts';

export type FreshDatabase = Awaited<ReturnType<typeof createDatabase>>;

export async function freshDatabase(): Promise<FreshDatabase> {
  const answer = await fetch(inject('sharedPostgres'));
  const shared = await answer.text();
  if (!answer.ok) throw new Error(shared);
  return createDatabase(shared, `test_${randomBytes(6).toString('hex')}`);
}
