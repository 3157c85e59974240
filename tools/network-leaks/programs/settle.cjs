// usage: <program> leaking | mended
const { setTimeout: sleep } = require('node:timers/promises');
const { scope } = require('../../../dist/probe/index.js');

exports.version = process.argv[2];

/** Does the work so many times, one after the other, each a job of its own if need be; goes on for a while, and ends. */
exports.settle = async (work, { times = 8, isJob = false, restMs = 1800 } = {}) => {
  for (let n = 0; n < times; n++) await (isJob ? scope('job', work) : work());
  await sleep(restMs);
  process.exit();
};
