// usage: knex-transaction.cjs [broken]. A transaction that an early return leaves open.
const { jobs } = require('./jobs.cjs');

const url = process.env.DATABASE_URL;
const knex = require('knex')({ client: url.startsWith('mysql') ? 'mysql2' : 'pg', connection: url, pool: { max: 20 } });

jobs(async (isRefused) => {
  const trx = await knex.transaction(); // planted
  await trx.raw('select 1');
  if (isRefused) return;
  await trx.commit();
});
