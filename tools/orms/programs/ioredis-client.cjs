// usage: ioredis-client.cjs [broken]. A client for each request.
const Redis = require('ioredis');
const { jobs } = require('./jobs.cjs');

const port = Number(process.env.REDIS_PORT);
const shared = new Redis(port);

jobs(async (isRefused) => {
  const redis = isRefused ? new Redis(port) : shared; // planted
  await redis.incr('orders');
});
