// Connections are parked by session; a log-out gives them back, or a reaper does later, in flows of their own; no scopes.
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from 'generic-pool';
import run from '../run.cjs';

const pool = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 100 });
const parked = new Map();

async function logIn(session) {
  const connection = await pool.acquire(); // acquires: parked
  parked.set(session, { connection, usedAt: Date.now() });
}

async function logOut(session) {
  const { connection } = parked.get(session) ?? {};
  if (!parked.delete(session)) return;
  await pool.release(connection); // gives back: parked
}

async function reap() {
  for (const [session, { connection, usedAt }] of parked) {
    if (Date.now() - usedAt < 150) continue;
    parked.delete(session);
    await pool.destroy(connection); // gives back: parked
  }
}

setInterval(reap, 50);

async function visit(n) {
  const connection = await pool.acquire(); // acquires: visit
  await sleep(3);
  if (n % 5 === 3) return pool.destroy(connection); // gives back: visit
  return pool.release(connection); // gives back: visit
}

run(
  async () => {
    for (let n = 0; n < 90; n++) {
      setTimeout(logIn, 0, n);
      setTimeout(visit, 3, n);
      if (n % 3 > 0) setTimeout(logOut, 20, n);
      await sleep(15);
    }
    await sleep(300);
  },
  () => ({ borrowed: pool.borrowed }),
);
