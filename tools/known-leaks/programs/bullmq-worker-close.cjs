// close() left the worker's first connection open, https://github.com/taskforcesh/bullmq/issues/493
const { scope } = require('outlive');
const { Worker } = require('bullmq');

const connection = { port: Number(process.env.REDIS_PORT) };

async function main() {
  for (let n = 0; n < 10; n++) {
    await scope('job', async () => {
      const worker = new Worker('mails', async () => {}, { connection }); // leaks here
      await worker.waitUntilReady();
      await worker.close();
    });
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  process.exit();
}

main();
