// A client that the storage makes for itself stayed when its module was destroyed, and did so again four releases later:
// https://github.com/kkoomen/nestjs-throttler-storage-redis/pull/644 and /issues/1192
require('reflect-metadata');
const { scope } = require('outlive');
const { ThrottlerStorageRedisService } = require('nestjs-throttler-storage-redis');

const options = { port: Number(process.env.REDIS_PORT) };

async function main() {
  for (let n = 0; n < 10; n++) {
    await scope('job', async () => {
      const storage = new ThrottlerStorageRedisService(options); // leaks here
      await storage.redis.ping();
      await storage.onModuleDestroy?.();
    });
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  process.exit();
}

main();
