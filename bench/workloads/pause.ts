/**
 * Opens leases of one pool and keeps them; told to run 0 units, it answers the longest that the event loop was held in
 * some seconds, in milliseconds. Meanwhile one more is opened and another given back now and then, so that there is news
 * of the line. By the wall clock, since CPU time is told in steps of 4 ms: what another process's turn takes, the control
 * shows as well.
 */
import { createPool } from 'generic-pool';
import { metered } from './meter.ts';

const SECONDS = 10;

const pool = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 1_000_000 });
const kept: object[] = [];

metered(async (units) => {
  for (let i = 0; i < units; i++) kept.push(await open());
  return units > 0 ? 0 : longestPause();
});

/** A flow of its own for each, as requests are. */
function open(): Promise<object> {
  return new Promise((resolve, reject) => {
    setImmediate(() => pool.acquire().then(resolve, reject));
  });
}

async function longestPause(): Promise<number> {
  let longest = 0;
  const until = performance.now() + SECONDS * 1000;
  let before = performance.now();
  for (let turn = 0; performance.now() < until; turn++) {
    if (turn % 1000 === 0) {
      kept.push(await open());
      await pool.release(kept.shift() as object);
      before = performance.now();
    }
    await new Promise((resolve) => setImmediate(resolve));
    const now = performance.now();
    longest = Math.max(longest, now - before);
    before = now;
  }
  return longest;
}
