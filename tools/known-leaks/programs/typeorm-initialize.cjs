// TypeORM 0.3.3: to initialize a data source of MySQL takes a connection for a question about its version, and keeps it.
const { DataSource } = require('typeorm');
const { scope } = require('outlive');

const { host, port, user } = JSON.parse(process.env.MYSQL_OPTIONS);
const tenant = async () => {
  const source = new DataSource({ type: 'mysql', host, port, username: user, database: 'test', poolSize: 2 });
  await source.initialize(); // leaks here
  await source.query('select 1');
  return source;
};

(async () => {
  const sources = [];
  for (let n = 0; n < 3; n++) sources.push(await scope('tenant', tenant));
  setTimeout(() => process.exit(sources.length === 3 ? 0 : 1), 1500);
})();
