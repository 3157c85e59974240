/** acquire and release of generic-pool, nothing between. */
import { createPool } from 'generic-pool';
import { metered } from './meter.ts';

const pool = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 4 });

metered(async (units) => {
  for (let i = 0; i < units; i++) {
    const lease = await pool.acquire();
    await pool.release(lease);
  }
});
