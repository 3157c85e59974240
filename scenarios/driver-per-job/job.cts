/** A job that needs the driver and nothing else. */
import { Pool } from 'pg';

exports.plan = async ({ url }: { url: string }) => {
  const pool = new Pool({ connectionString: url, max: 1 });
  const { rows } = await pool.query('select 1 as lanes');
  await pool.end();
  return { parallelism: rows[0].lanes };
};
