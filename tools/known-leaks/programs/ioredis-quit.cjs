// quit() set the interval that forgets scripts anew, https://github.com/redis/ioredis/issues/1215
const { once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const Redis = require('ioredis');

async function main() {
  for (let n = 0; n < 10; n++) {
    const redis = new Redis({ port: Number(process.env.REDIS_PORT) }); // leaks here
    await once(redis, 'ready');
    redis.quit();
    await once(redis, 'end');
  }
  await sleep(2500);
  process.exit();
}

main();
