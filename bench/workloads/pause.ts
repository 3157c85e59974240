/**
 * Opens leases of one pool and keeps them; told to run 0 units, it answers the longest that the event loop was held in
 * some seconds, in milliseconds. Meanwhile one more is opened and another given back now and then, so that there is news
 * of the line. By the wall clock, since CPU time is told in steps of 4 ms: what another process's turn takes, the control
 * shows as well.
 */
import { createPool } from 'generic-pool';
import { metered } from './meter.ts';

const SECONDS = 6;
/** What is longest in each of them at the median: a block that recurs, rather than one that the machine made. */
const WINDOWS = 4;

const pool = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 1_000_000 });
const kept: object[] = [];

metered(async (units) => {
  for (let i = 0; i < units; i++) kept.push(await open());
  if (units > 0) return 0;
  const longest: number[] = [];
  for (let i = 0; i < WINDOWS; i++) longest.push(await longestPause());
  return longest.sort((a, b) => a - b)[WINDOWS / 2 - 1] ?? 0;
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
