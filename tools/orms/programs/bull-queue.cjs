// usage: bull-queue.cjs [broken]. A queue for each request, which connects three times and is never closed.
const Queue = require('bull');
const { jobs } = require('./jobs.cjs');

const options = { redis: { port: Number(process.env.REDIS_PORT) } };
const shared = new Queue('mails', options);

jobs(async (isRefused) => {
  const queue = isRefused ? new Queue('mails', options) : shared; // planted
  await queue.add({ to: 'nobody' });
});
