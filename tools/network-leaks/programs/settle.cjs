// usage: <program> leaking | mended
const { setTimeout: sleep } = require('node:timers/promises');

exports.version = process.argv[2];

/** Does the work eight times, one after the other; goes on for a while, and ends. */
exports.settle = async (work) => {
  for (let n = 0; n < 8; n++) await work();
  await sleep(1800);
  process.exit();
};
