// Polling with intervals that end by a result, by an AbortSignal, or by the function that a helper returned; no scopes.
// held by nature: unready, by itself: its callback clears it once it is ready
import { setTimeout as sleep } from 'node:timers/promises';
import run from '../run.cjs';

function untilReady(isReady, signal) {
  return new Promise((resolve, reject) => {
    // acquires: poll, unready
    const poll = setInterval(() => {
      if (!isReady()) return;
      clearInterval(poll); // gives back: poll
      resolve();
    }, 5);
    signal.addEventListener('abort', () => {
      clearInterval(poll); // gives back: unready
      reject(signal.reason);
    });
  });
}

/** Returns the function that stops it. */
function every(milliseconds, work) {
  const timer = setInterval(work, milliseconds); // acquires: every
  return () => clearInterval(timer); // gives back: every, refresh, watch
}

async function deploy(n) {
  const stop = every(20, () => {}); // acquires: refresh
  const aborter = new AbortController();
  const readyAt = Date.now() + (n % 6 === 4 ? 10_000 : 8);
  setTimeout(() => aborter.abort(), 25);
  try {
    await untilReady(() => Date.now() >= readyAt, aborter.signal);
  } finally {
    stop(); // gives back: refresh
  }
}

async function watch(n) {
  const stop = every(40, () => {}); // acquires: watch
  await sleep(n % 5);
  stop(); // gives back: watch
}

run(async () => {
  for (let n = 0; n < 60; n++) {
    await Promise.all([deploy(n).catch(() => {}), watch(n)]);
    await sleep(5);
  }
});
