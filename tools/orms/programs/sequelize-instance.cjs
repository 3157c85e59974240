// usage: sequelize-instance.cjs [broken]. An instance for each request, which is never closed.
const { Sequelize } = require('sequelize');
const { jobs } = require('./jobs.cjs');

const url = process.env.DATABASE_URL;
const shared = new Sequelize(url, { logging: false });

jobs(async (isRefused) => {
  const sequelize = isRefused ? new Sequelize(url, { logging: false }) : shared; // planted
  await sequelize.query('select 1');
}, 40);
