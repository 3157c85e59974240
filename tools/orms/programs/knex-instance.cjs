// usage: knex-instance.cjs [broken]. An instance for each request, which is never destroyed.
const { knex } = require('knex');
const { jobs } = require('./jobs.cjs');

const connection = process.env.DATABASE_URL;
const client = connection.startsWith('mysql') ? 'mysql2' : 'pg';
const shared = knex({ client, connection });

jobs(async (isRefused) => {
  const own = isRefused ? knex({ client, connection }) : shared; // planted
  await own.raw('select 1');
}, 40);
