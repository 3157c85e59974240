// A queue that was closed left its listener at a shared connection, https://github.com/taskforcesh/bullmq/blob/master/docs/gitbook/changelogs/changelog-v1.md
const Redis = require('ioredis');
const { Queue } = require('bullmq');

const connection = new Redis({ port: Number(process.env.REDIS_PORT), maxRetriesPerRequest: null });

async function main() {
  for (let n = 0; n < 40; n++) {
    const queue = new Queue('mails', { connection });
    await queue.add('mail', { n });
    await queue.close();
  }
  await new Promise((resolve) => setTimeout(resolve, 800));
  process.exit();
}

main();
