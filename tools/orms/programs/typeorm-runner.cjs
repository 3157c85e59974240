// usage: typeorm-runner.cjs [broken]. A query runner that is not released when its transaction fails.
const { DataSource } = require('typeorm');
const { jobs } = require('./jobs.cjs');

const url = process.env.DATABASE_URL;
const source = new DataSource({ type: url.startsWith('mysql') ? 'mysql' : 'postgres', url, poolSize: 20 });

jobs(async (isRefused) => {
  if (!source.isInitialized) await source.initialize();
  const runner = source.createQueryRunner();
  await runner.startTransaction(); // planted
  await runner.query('select 1');
  if (isRefused) return;
  await runner.commitTransaction();
  await runner.release();
});
