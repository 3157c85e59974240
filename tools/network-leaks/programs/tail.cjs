// What was not to be watched any more was watched again, if its file had just been rotated away; not so since 2.0.4.
const { mkdtempSync, renameSync, rmSync, writeFileSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { settle, version } = require('./settle.cjs');

const { Tail } = require(`tail-${version}`);

const folder = mkdtempSync(path.join(os.tmpdir(), 'logs-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
let files = 0;

async function follow() {
  const file = path.join(folder, `${++files}.log`);
  writeFileSync(file, 'begun\n');
  const tail = new Tail(file);
  tail.on('error', () => {});
  await sleep(20);
  renameSync(file, `${file}.1`);
  writeFileSync(file, 'rotated\n');
  await sleep(60);
  tail.unwatch();
}

settle(follow, { isJob: true, restMs: 3000 });
