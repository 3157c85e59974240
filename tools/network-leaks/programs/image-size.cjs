// A file that cannot be read, such as a folder, stayed open; closed in any case since 1.0.2.
const { promisify } = require('node:util');
const { settle, version } = require('./settle.cjs');

const { imageSize } = require(`image-size-${version}`);

async function thumbnail() {
  await promisify(imageSize)(__dirname).catch(() => {}); // leaks
}

settle(thumbnail);
