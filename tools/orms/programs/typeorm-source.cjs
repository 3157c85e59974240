// usage: typeorm-source.cjs [broken]. A data source for each request, which is never destroyed.
const { DataSource } = require('typeorm');
const { jobs } = require('./jobs.cjs');

const url = process.env.DATABASE_URL;
const source = () => new DataSource({ type: url.startsWith('mysql') ? 'mysql' : 'postgres', url });
const shared = source().initialize();

jobs(async (isRefused) => {
  const own = isRefused && source();
  if (own) await own.initialize(); // planted
  await (own || (await shared)).query('select 1');
}, 40);
