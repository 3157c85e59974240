// Each new connection set one more interval that forgets scripts, https://github.com/redis/ioredis/pull/1244
const { once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const Redis = require('ioredis');

const redis = new Redis({ port: Number(process.env.REDIS_PORT), retryStrategy: () => 5 }); // leaks here

async function main() {
  for (let n = 0; n < 15; n++) {
    await redis.ping();
    redis.stream.destroy();
    await once(redis, 'ready');
  }
  await sleep(2500);
  process.exit();
}

main();
