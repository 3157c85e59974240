/** Jobs as a service has them, one in four of which takes the path that leaks, if it does at all. */
const { scope } = require('outlive');

const isBroken = process.argv[2] === 'broken';

async function jobs(job, count = 20) {
  for (let n = 0; n < count; n++) await scope('job', () => job(isBroken && n % 4 === 3));
  setTimeout(() => process.exit(0), 1500);
}

module.exports = { jobs };
