import { mustHaveOwner, openPool, type PlanOptions, planOf, run } from './job.cts';

/** As it was in production: a tenant without an owner skips the release, so the pool is never drained. */
exports.plan = async ({ url, tenants }: PlanOptions) => {
  const pool = openPool(url);
  const owners: string[] = [];
  for (const tenant of tenants) {
    const client = await pool.acquire();
    try {
      const { rows } = await client.query('select owner from tenants where name = $1', [tenant]);
      owners.push(mustHaveOwner(rows[0]?.owner, tenant));
      await pool.release(client);
    } catch {
      // the others are planned all the same
    }
  }
  void pool.drain().then(() => pool.clear());
  return planOf(owners);
};
exports.run = run;
