// A queue that was closed left its listener of errors at the client that all share
const { once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const Queue = require('bee-queue');
const redis = require('redis');

const client = redis.createClient({ port: Number(process.env.REDIS_PORT) });

async function main() {
  await once(client, 'ready');
  for (let n = 0; n < 40; n++) {
    const queue = new Queue('mails', { redis: client, isWorker: false, getEvents: false });
    await queue.ready(); // leaks here
    await queue.close();
  }
  await sleep(2500);
  process.exit();
}

main();
