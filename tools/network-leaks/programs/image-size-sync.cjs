// As image-size.cjs, without a promise.
const { setTimeout: sleep } = require('node:timers/promises');
const { settle, version } = require('./settle.cjs');

const { imageSize } = require(`image-size-${version}`);

async function thumbnail() {
  await sleep(5);
  try {
    imageSize(__dirname); // leaks
  } catch {}
}

settle(thumbnail);
