// What lives as long as the service is no leak: a heartbeat, a cache's sweeper, a lazily made singleton, timeouts.
const { setTimeout: sleep } = require('node:timers/promises');
const { createPool } = require('generic-pool');
const { scope } = require('outlive');
const run = require('../run.cjs');

const pool = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 50, min: 3 });

class TtlCache {
  #entries = new Map();
  #sweeper = setInterval(() => this.#sweep(), 250);
  set(key, value) {
    this.#entries.set(key, { value, expiresAt: Date.now() + 400 });
    setTimeout(() => this.#entries.delete(key), 60_000).unref();
  }
  #sweep() {
    for (const [key, { expiresAt }] of this.#entries) if (expiresAt < Date.now()) this.#entries.delete(key);
  }
  // nobody does
  stop() {
    clearInterval(this.#sweeper);
  }
}

const cache = new TtlCache();
setInterval(() => cache.set('beat', Date.now()), 200);

let metrics;
function getMetrics() {
  metrics ??= { timer: setInterval(() => {}, 300), held: pool.acquire(), count: 0 };
  return metrics;
}

let pending;
function saveSoon() {
  clearTimeout(pending);
  pending = setTimeout(() => cache.set('saved', true), 50);
}

async function job(n) {
  getMetrics().count++;
  saveSoon();
  const connection = await pool.acquire(); // acquires: job
  const lock = setInterval(() => {}, 80); // acquires: lock
  try {
    await sleep(8);
    if (n % 10 === 1) throw new Error('locked');
    cache.set(n, connection);
  } finally {
    clearInterval(lock); // gives back: lock
    await pool.release(connection); // gives back: job
  }
}

run(
  async () => {
    for (let n = 0; n < 70; n++) {
      await scope('job', () => job(n)).catch(() => {});
      await sleep(8);
    }
  },
  () => ({ borrowed: pool.borrowed }),
  { atStart: getMetrics },
);
