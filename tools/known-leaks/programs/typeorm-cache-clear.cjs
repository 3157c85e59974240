// To clear the cache took a connection, and kept it, https://github.com/typeorm/typeorm/pull/12797
require('reflect-metadata');
const { DataSource } = require('typeorm');
const { scope } = require('outlive');

const { host, port, user, database } = JSON.parse(process.env.MYSQL_OPTIONS);

(async () => {
  const address = { type: 'mysql', host, port, username: user, database };
  const source = new DataSource({ ...address, cache: true, synchronize: true, extra: { connectionLimit: 30 } });
  await source.initialize();
  const clear = () => source.queryResultCache.clear(); // leaks here
  for (let n = 0; n < 6; n++) await scope('clear', clear);
  setTimeout(() => process.exit(0), 1500);
})();
