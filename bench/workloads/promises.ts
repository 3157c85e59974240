/** Nothing but awaited promises; with `marked`, in a context that carries a scope and the mark of an open lease. */
import { createPool } from 'generic-pool';
import { metered } from './meter.ts';

async function two(): Promise<number> {
  return (await one()) + (await one());
}

async function one(): Promise<number> {
  return 1;
}

/** Three promises are awaited per turn. */
async function work(units: number): Promise<number> {
  let sum = 0;
  for (let i = 0; i < units; i += 3) sum += await two();
  return sum;
}

/** What `scope` of the public module does. */
const probe = (globalThis as { [key: symbol]: { scope<T>(name: string, job: () => T): T } | undefined })[
  Symbol.for('outlive.probe')
];
const pool = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 4 });

metered((units) => {
  if (process.argv[2] !== 'marked') return work(units);
  const job = async (): Promise<void> => {
    const lease = await pool.acquire();
    await work(units);
    await pool.release(lease);
  };
  return probe ? probe.scope('work', job) : job();
});
