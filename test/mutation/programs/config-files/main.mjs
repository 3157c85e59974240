// Files of tenants that are polled while the tenant is served; no scopes.
// held by nature: tenant, marker, by Node’s own list of paths: fs.unwatchFile(path) needs nothing else
import fs, { mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import run from '../run.cjs';

const folder = mkdtempSync(path.join(import.meta.dirname, 'config-'));

async function serve(n) {
  const file = path.join(folder, `${n}.json`);
  writeFileSync(file, '{}');
  const seen = [];
  const changed = (now) => seen.push(now.mtimeMs);
  fs.watchFile(file, { interval: 100 }, changed); // acquires: tenant
  if (n % 5 === 2) {
    fs.unwatchFile(file); // gives back: tenant
    return seen;
  }
  try {
    await sleep(3);
    if (n % 7 === 3) throw new Error('no such tenant');
    return seen;
  } finally {
    fs.unwatchFile(file, changed); // gives back: tenant
  }
}

async function untilReady(n) {
  const marker = path.join(folder, `ready-${n}`);
  const watcher = fs.watchFile(marker, { interval: 20 }, () => {}); // acquires: marker
  writeFileSync(marker, 'ready');
  await sleep(5);
  watcher.removeAllListeners('change');
  fs.unwatchFile(marker); // gives back: marker
}

run(
  async () => {
    for (let n = 0; n < 60; n++) {
      await Promise.all([serve(n).catch(() => {}), untilReady(n)]);
      await sleep(8);
    }
  },
  () => ({ polled: process.getActiveResourcesInfo().filter((name) => name === 'StatWatcher').length }),
);
