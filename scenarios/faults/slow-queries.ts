/** Makes every query of a table wait: what a long migration or a forgotten lock does. */
import { openSession } from '../../pipeline/store/database.ts';

/** Resolves when the lock is there; it is released by `end()`, or with our session. PostgreSQL. */
export async function lockTable(url: string, table: string): Promise<{ end(): Promise<void> }> {
  const session = await openSession(url, 10_000);
  try {
    await session.begin();
    await session.execute(`lock table ${table} in access exclusive mode`);
  } catch (error) {
    await session.end();
    throw error;
  }
  return {
    end: async () => {
      await session.rollback().catch(() => {});
      await session.end();
    },
  };
}
