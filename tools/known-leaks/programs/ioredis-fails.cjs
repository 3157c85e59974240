// A client that gave up connecting left the interval that forgets scripts, https://github.com/redis/ioredis/issues/1500
const { setTimeout: sleep } = require('node:timers/promises');
const Redis = require('ioredis');

async function main() {
  for (let n = 0; n < 10; n++) {
    const redis = new Redis({ port: 1, retryStrategy: null, lazyConnect: true });
    redis.on('error', () => {});
    await redis.connect().catch(() => {}); // leaks here
  }
  await sleep(2500);
  process.exit();
}

main();
