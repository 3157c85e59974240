// usage: sequelize.cjs [broken]. A transaction that an early return leaves open.
const { Sequelize } = require('sequelize');
const { jobs } = require('./jobs.cjs');

const sequelize = new Sequelize(process.env.DATABASE_URL, { logging: false, pool: { max: 20 } });

jobs(async (isRefused) => {
  const t = await sequelize.transaction(); // planted
  await sequelize.query('select 1', { transaction: t });
  if (isRefused) return;
  await t.commit();
});
