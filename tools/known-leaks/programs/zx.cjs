// A signal that lives as long as the program: each command left its listener, https://github.com/google/zx/issues/881
const { setTimeout: sleep } = require('node:timers/promises');
const { $ } = require('zx');

const stopping = new AbortController();

async function main() {
  for (let n = 0; n < 25; n++) await $({ signal: stopping.signal })`true`;
  await sleep(2500);
  process.exit();
}

main();
