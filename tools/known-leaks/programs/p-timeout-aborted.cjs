// An abort left the timer, https://github.com/sindresorhus/p-timeout/pull/36
const { setTimeout: sleep } = require('node:timers/promises');
const { default: pTimeout } = require('p-timeout');

async function ask() {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 5);
  await pTimeout(new Promise(() => {}), { milliseconds: 30_000, signal: controller.signal }); // leaks here
}

async function main() {
  for (let n = 0; n < 20; n++) await ask().catch(() => {});
  await sleep(2500);
  process.exit();
}

main();
