// A signal that lives as long as the program: each try left its listener, https://github.com/sindresorhus/p-retry/issues/71
const { setTimeout: sleep } = require('node:timers/promises');
const { default: pRetry } = require('p-retry');

const stopping = new AbortController();

async function main() {
  for (let n = 0; n < 40; n++) {
    await pRetry(() => sleep(1), { signal: stopping.signal }); // leaks here
  }
  await sleep(2500);
  process.exit();
}

main();
