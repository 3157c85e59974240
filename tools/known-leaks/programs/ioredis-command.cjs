// The answer to a command left the timer of its time-out, https://github.com/redis/ioredis/pull/1336
const { setTimeout: sleep } = require('node:timers/promises');
const Redis = require('ioredis');

const redis = new Redis({ port: Number(process.env.REDIS_PORT), commandTimeout: 20_000 });

async function main() {
  for (let n = 0; n < 20; n++) {
    await redis.set('latest', n); // leaks here
  }
  await sleep(2500);
  process.exit();
}

main();
