// A signal that lives as long as the program: each call left its listener
const { setTimeout: sleep } = require('node:timers/promises');
const { default: pMap } = require('p-map');

const stopping = new AbortController();

async function main() {
  for (let n = 0; n < 40; n++) {
    await pMap([1, 2, 3], () => sleep(1), { signal: stopping.signal }); // leaks here
  }
  await sleep(2500);
  process.exit();
}

main();
