// Lanes in parallel, each with two connections at once; no scopes.
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from 'generic-pool';
import run from '../run.cjs';

const pool = createPool({ create: async () => [], destroy: async () => {} }, { max: 64 });

async function copy(n) {
  const [source, target] = await Promise.all([
    pool.acquire(), // acquires: source
    pool.acquire(), // acquires: target
  ]);
  try {
    await sleep(10);
    if (n % 10 === 5) throw new Error('checksum differs');
    target.push(...source.splice(0));
  } finally {
    pool.release(source); // gives back: source
    pool.release(target); // gives back: target
  }
}

async function lane(first) {
  for (let n = first; n < 120; n += 3) {
    await copy(n).catch(() => {});
    await sleep(20);
  }
}

async function compact(n) {
  const file = await pool.acquire(); // acquires: compact
  return Promise.all([sleep(2), sleep(n % 4)])
    .then(() => (n % 8 === 3 ? Promise.reject(new Error('busy')) : file.length))
    .finally(() => pool.release(file)); // gives back: compact
}

async function compactor() {
  for (let n = 0; n < 50; n++) {
    await compact(n).catch(() => {});
    await sleep(18);
  }
}

run(
  () => Promise.all([lane(0), lane(1), lane(2), compactor()]),
  () => ({ borrowed: pool.borrowed }),
);
