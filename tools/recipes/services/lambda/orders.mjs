import { createPool } from 'generic-pool';

const pool = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 50 });

export async function reserve(order) {
  const connection = await pool.acquire(); // kept
  if (order % 2 === 1) return 'kept';
  await pool.release(connection);
  return 'ok';
}
