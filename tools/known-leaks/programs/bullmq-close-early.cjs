// close() forgot a connection that was not up yet, https://github.com/taskforcesh/bullmq/pull/2425
const { scope } = require('outlive');
const { Queue } = require('bullmq');

const connection = { port: Number(process.env.REDIS_PORT) };

async function main() {
  for (let n = 0; n < 10; n++) {
    await scope('job', async () => {
      const queue = new Queue('mails', { connection }); // leaks here
      queue.on('error', () => {});
      await queue.close();
    });
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  process.exit();
}

main();
