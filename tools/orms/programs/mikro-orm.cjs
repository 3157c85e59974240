// usage: mikro-orm.cjs [broken]. A transaction of a fork that an early return leaves open.
const url = process.env.DATABASE_URL;
const { MikroORM, EntitySchema } = require(url.startsWith('mysql') ? '@mikro-orm/mysql' : '@mikro-orm/postgresql');
const { jobs } = require('./jobs.cjs');

const Order = new EntitySchema({ name: 'Order', properties: { id: { type: 'number', primary: true } } });
const ready = MikroORM.init({ clientUrl: url, entities: [Order], pool: { max: 20 } });

jobs(async (isRefused) => {
  const em = (await ready).em.fork();
  await em.begin(); // planted
  await em.execute('select 1');
  if (isRefused) return;
  await em.commit();
});
