// What is too long for the cache's table fails to be stored, and kept its connection, https://github.com/typeorm/typeorm/pull/12545
require('reflect-metadata');
const { DataSource, EntitySchema } = require('typeorm');

const Report = new EntitySchema({
  name: 'report',
  columns: { id: { type: Number, primary: true }, text: { type: 'longtext' } },
});

async function main() {
  const { host, port, user, database } = JSON.parse(process.env.MYSQL_OPTIONS);
  const source = new DataSource({
    ...{ type: 'mysql', host, port, username: user, database, entities: [Report], synchronize: true },
    ...{ cache: true, extra: { connectionLimit: 30 } },
  });
  await source.initialize();
  const reports = source.getRepository('report');
  await reports.save({ id: 1, text: 'x'.repeat(70_000) });
  for (let n = 0; n < 10; n++) {
    await reports.find({ where: { id: 1 }, cache: 1000 }).catch(() => {}); // leaks here
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  process.exit();
}

main();
