// Loops that go on until somebody stops them: async iterators of timers and files, timeouts that are set again; no scopes.
// held by nature: poll, follow, refresh, by itself: it runs, and its own code may end it
import { mkdtempSync, writeFileSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import path from 'node:path';
import { setInterval as intervals, setTimeout as sleep } from 'node:timers/promises';
import run from '../run.cjs';

const folder = mkdtempSync(path.join(import.meta.dirname, 'feed-'));
const out = { loops: 0, refreshes: 0 };

async function poll(signal) {
  out.loops++;
  try {
    // acquires: poll
    for await (const _ of intervals(5, null, { signal })) if (signal.reason) return;
  } finally {
    out.loops--;
  }
}

async function follow(file, signal) {
  out.loops++;
  try {
    // acquires: follow
    for await (const _ of watch(file, { signal })) if (signal.reason) return;
  } finally {
    out.loops--;
  }
}

/** Returns the function that stops it. */
function refresh() {
  let timeout;
  const again = () => {
    timeout = setTimeout(again, 15); // acquires: refresh
  };
  again();
  out.refreshes++;
  return () => {
    if (timeout._destroyed) return;
    clearTimeout(timeout); // gives back: refresh
    if (timeout._destroyed) out.refreshes--;
  };
}

async function dashboard(n) {
  const aborter = new AbortController();
  const polling = poll(aborter.signal).catch(() => {});
  const stop = refresh();
  await sleep(12);
  stop();
  aborter.abort(); // gives back: poll
  return Promise.race([polling, sleep(n % 3)]);
}

async function tail(n) {
  const file = path.join(folder, `${n}.log`);
  writeFileSync(file, '');
  const aborter = new AbortController();
  const following = follow(file, aborter.signal).catch(() => {});
  writeFileSync(file, `line ${n}`);
  await sleep(5);
  if (n % 2 === 1) {
    aborter.abort('rotated'); // gives back: follow
    return 'rotated';
  }
  aborter.abort(); // gives back: follow
  return Promise.race([following, sleep(1)]);
}

run(
  async () => {
    for (let n = 0; n < 40; n++) {
      await Promise.all([dashboard(n), tail(n)]);
      await sleep(5);
    }
    // that a signal has ended one shows at the next look: so long it may have been in use
    await sleep(2800);
  },
  () => out,
);
