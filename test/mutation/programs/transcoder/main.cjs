// A progress interval per job; every job is a scope.
const { setTimeout: sleep } = require('node:timers/promises');
const { scope } = require('outlive');
const run = require('../run.cjs');

const progress = new Map();

async function transcode(n) {
  const ticker = setInterval(() => progress.set(n, Date.now()), 50); // acquires: ticker
  try {
    await sleep(15);
    if (n % 10 === 9) throw new Error('unknown codec');
    return n;
  } finally {
    clearInterval(ticker); // gives back: ticker
    progress.delete(n);
  }
}

async function upload(n) {
  const watchdog = setInterval(() => {}, 1000); // acquires: watchdog
  watchdog.unref();
  if (n % 6 === 1) {
    clearInterval(watchdog); // gives back: watchdog
    return 'already there';
  }
  await sleep(5);
  clearInterval(watchdog); // gives back: watchdog
  return 'uploaded';
}

run(async () => {
  for (let n = 0; n < 60; n++) {
    await scope('transcode', () => transcode(n)).catch(() => {});
    await scope('upload', () => upload(n));
  }
});
