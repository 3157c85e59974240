// close() left the timer that looks for stalled jobs, https://github.com/taskforcesh/bullmq/pull/1453
const { setTimeout: sleep } = require('node:timers/promises');
const { Worker } = require('bullmq');

const connection = { port: Number(process.env.REDIS_PORT) };

async function main() {
  for (let n = 0; n < 10; n++) {
    const worker = new Worker('mails', async () => {}, { connection }); // leaks here
    await worker.waitUntilReady();
    await sleep(30);
    await worker.close();
  }
  await sleep(2500);
  process.exit();
}

main();
