// usage: drizzle-transaction.cjs [broken]. A transaction that waits for an answer that never comes.
const { sql } = require('drizzle-orm');
const url = process.env.DATABASE_URL;
const { drizzle } = require(url.startsWith('mysql') ? 'drizzle-orm/mysql2' : 'drizzle-orm/node-postgres');
const { jobs } = require('./jobs.cjs');

const client = url.startsWith('mysql')
  ? require('mysql2').createPool({ uri: url, connectionLimit: 20 })
  : new (require('pg').Pool)({ connectionString: url, max: 20 });
const db = drizzle({ client });
const answer = (never) => new Promise((resolve) => never || setImmediate(resolve));

jobs(async (isRefused) => {
  const work = async (tx) => {
    await tx.execute(sql`select 1`);
    await answer(isRefused);
  };
  const done = db.transaction(work); // planted
  await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 30))]);
});
