// usage: mikro-orm-init.cjs [broken]. MikroORM made for each request, which connects with its first query and
// is never closed.
const clientUrl = process.env.DATABASE_URL;
const { MikroORM, EntitySchema } = require(
  clientUrl.startsWith('mysql') ? '@mikro-orm/mysql' : '@mikro-orm/postgresql',
);
const { jobs } = require('./jobs.cjs');

const Order = new EntitySchema({ name: 'Order', properties: { id: { type: 'number', primary: true } } });
const shared = MikroORM.init({ clientUrl, entities: [Order] });

jobs(async (isRefused) => {
  const { em } = isRefused ? await MikroORM.init({ clientUrl, entities: [Order] }) : await shared;
  await em.fork().execute('select 1'); // planted
}, 40);
