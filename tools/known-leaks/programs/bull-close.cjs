// close() cleared the timers before the last job was done, which set them anew, https://github.com/OptimalBits/bull/pull/2087
const { setTimeout: sleep } = require('node:timers/promises');
const Queue = require('bull');

process.on('unhandledRejection', () => {});

async function main() {
  for (let n = 0; n < 12; n++) {
    // of this process alone: the other version runs beside it, and would take the jobs
    const queue = new Queue(`mails-${process.pid}-${n}`, { redis: { port: Number(process.env.REDIS_PORT) } }); // leaks here
    queue.on('error', () => {});
    queue.process(() => sleep(60));
    await queue.isReady();
    await queue.add({ n });
    await sleep(30);
    queue.add({ n }, { delay: 60_000 });
    await queue.close();
  }
  await sleep(2500);
  process.exit();
}

main();
