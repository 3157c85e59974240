/** connect and release of pg-pool, no query between. */
import pg from 'pg';
import { metered } from './meter.ts';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 });

metered(async (units) => {
  for (let i = 0; i < units; i++) {
    const client = await pool.connect();
    client.release();
  }
});
