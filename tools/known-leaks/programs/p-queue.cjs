// A signal that lives as long as the program: each task left its listener
const { setTimeout: sleep } = require('node:timers/promises');
const { default: PQueue } = require('p-queue');

const stopping = new AbortController();
const queue = new PQueue({ concurrency: 2 });

async function main() {
  for (let n = 0; n < 40; n++) {
    await queue.add(() => sleep(1), { signal: stopping.signal }); // leaks here
  }
  await sleep(2500);
  process.exit();
}

main();
