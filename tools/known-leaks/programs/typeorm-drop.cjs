// A database that is not dropped in time, and the connection that was to do it is kept,
// https://github.com/typeorm/typeorm/pull/3727
require('reflect-metadata');
const { createConnection } = require('typeorm');
const { Client } = require('pg');
const { scope } = require('outlive');

const url = process.env.PG_URL;

(async () => {
  const connection = await createConnection({
    type: 'postgres',
    url,
    extra: { max: 30, options: '-c lock_timeout=50' },
  });
  const other = new Client({ connectionString: url });
  await other.connect();
  await other.query('create table if not exists held (id int)');
  await other.query('begin; lock table held in access exclusive mode');
  const drop = () => connection.dropDatabase(); // leaks here
  for (let n = 0; n < 4; n++) await scope('drop', () => drop().catch(() => {}));
  await other.end();
  setTimeout(() => process.exit(0), 1500);
})();
