// usage: mongoose-connection.cjs [broken]. A connection for each request, which is never closed.
const mongoose = require('mongoose');
const { jobs } = require('./jobs.cjs');

const url = process.env.MONGODB_URL;
const shared = mongoose.createConnection(url);

jobs(async (isRefused) => {
  const connection = isRefused ? mongoose.createConnection(url) : shared; // planted
  await (await connection.asPromise()).db.command({ ping: 1 });
});
