/**
 * Jobs as a service has them, one in four of which takes the path that leaks, if it does at all; or a service, where
 * there is a PORT, in which each request is one.
 */
const { createServer } = require('node:http');
const { scope } = require('outlive');

const isBroken = process.argv[2] === 'broken';
const { PORT } = process.env;

async function jobs(job, count = 20) {
  let n = 0;
  const next = () => job(isBroken && ++n % 4 === 0);
  if (PORT) return serve(next);
  for (let done = 0; done < count; done++) await scope('job', next);
  setTimeout(() => process.exit(0), 1500);
}

function serve(next) {
  createServer(async (_, response) => {
    await next();
    response.end('done');
  }).listen(PORT, '127.0.0.1');
}

module.exports = { jobs };
