// What came in time left the timer, https://github.com/building5/promise-timeout/issues/1
const { setTimeout: sleep } = require('node:timers/promises');
const { timeout } = require('promise-timeout');

async function main() {
  for (let n = 0; n < 20; n++) {
    await timeout(sleep(2), 30_000); // leaks here
  }
  await sleep(2500);
  process.exit();
}

main();
