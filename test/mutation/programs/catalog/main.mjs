// What only grows: a map, a set and an array from which jobs take away what they added, and a promise that is raced
// against until it ends with the job; no scopes. settings: OUTLIVE_GROWTH=on
// not for guards: a collection that grows is no test’s own
// held by nature: by id, running, recent, by the collection that grows, which is kept
import { setTimeout as sleep } from 'node:timers/promises';
import run from '../run.cjs';

const byId = new Map();
const running = new Set();
const recent = [];

async function view(n) {
  byId.set(n, { n }); // acquires: by id
  await sleep(1);
  byId.delete(n); // gives back: by id
}

async function order(n) {
  running.add(`order ${n}`); // acquires: running
  try {
    await sleep(n % 3);
    if (n % 5 === 1) throw new Error('sold out');
  } finally {
    running.delete(`order ${n}`); // gives back: running
  }
}

function log(n) {
  recent.push(n); // acquires: recent
  if (recent.length > 30) recent.shift(); // gives back: recent
}

run(
  async () => {
    for (let n = 0; n < 400; n++) {
      await Promise.all([view(n), order(n).catch(() => {}), log(n)]);
    }
  },
  () => ({ byId: byId.size, running: running.size, recent: recent.length }),
);
