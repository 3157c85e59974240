/** A database of its own for a test, on the PostgreSQL that all tests share. */
import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { createDatabase } from '../../pipeline/store/database.ts';
import { askDesk } from './desk.ts';

export type FreshDatabase = Awaited<ReturnType<typeof createDatabase>>;

export async function freshDatabase(): Promise<FreshDatabase> {
  return createDatabase(await askDesk(inject('sharedPostgres')), `test_${randomBytes(6).toString('hex')}`);
}
