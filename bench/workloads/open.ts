/** Opens leases of one pool and keeps them; answers the heap in use, in bytes. Needs --expose-gc. */
import { createPool } from 'generic-pool';
import { metered } from './meter.ts';

const pool = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 1_000_000 });
const kept: object[] = [];

metered(async (units) => {
  for (let i = 0; i < units; i++) kept.push(await open());
  await new Promise((resolve) => setImmediate(resolve));
  for (let i = 0; i < 4; i++) gc?.();
  return process.memoryUsage().heapUsed;
});

/** A flow of its own for each, as requests are. */
function open(): Promise<object> {
  return new Promise((resolve, reject) => {
    setImmediate(() => pool.acquire().then(resolve, reject));
  });
}
