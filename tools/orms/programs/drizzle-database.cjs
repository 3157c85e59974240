// usage: drizzle-database.cjs [broken]. A database for each request, with a pool of its own.
const { sql } = require('drizzle-orm');
const url = process.env.DATABASE_URL;
const { drizzle } = require(url.startsWith('mysql') ? 'drizzle-orm/mysql2' : 'drizzle-orm/node-postgres');
const { jobs } = require('./jobs.cjs');

const shared = drizzle(url);

jobs(async (isRefused) => {
  if (!isRefused) await shared.execute(sql`select 1`);
  else
    await drizzle(url) // planted
      .execute(sql`select 1`);
}, 40);
