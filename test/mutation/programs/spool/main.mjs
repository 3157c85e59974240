// Files that are read, written and watched: descriptors, handles, streams, lines and watchers; jobs are scopes.
// held by nature: lines, by the terminal that it reads, which is kept
import { once } from 'node:events';
import fs from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import readline from 'node:readline';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { scope } from 'outlive';
import run from '../run.cjs';

const folder = fs.mkdtempSync(path.join(import.meta.dirname, 'spool-'));
const terminals = [];
const out = { handles: 0, readers: 0, watchers: 0 };
function count(name, emitter) {
  out[name]++;
  emitter.once('close', () => out[name]--);
}

function checksum(file) {
  const descriptor = fs.openSync(file, 'r'); // acquires: descriptor
  try {
    const head = Buffer.alloc(4);
    if (fs.readSync(descriptor, head) < 4) throw new Error('too short');
    return head;
  } finally {
    fs.closeSync(descriptor); // gives back: descriptor
  }
}

async function append(file, n) {
  const handle = await open(file, 'a'); // acquires: handle
  count('handles', handle);
  if (n % 6 === 1) {
    await handle.close(); // gives back: handle
    return;
  }
  await handle.write(`line ${n}\n`);
  await handle.close(); // gives back: handle
}

async function peek(file, n) {
  const stream = fs.createReadStream(file, { highWaterMark: 2 }); // acquires: stream
  await once(stream, 'readable');
  stream.read();
  if (n % 10 === 3) await sleep(1);
  stream.destroy(); // gives back: stream
}

async function firstLine(n) {
  const input = new PassThrough();
  terminals.push(input);
  const lines = readline.createInterface({ input }); // acquires: lines
  count('readers', lines);
  const first = once(lines, 'line');
  input.write(`first ${n}\nsecond\n`);
  const [line] = await first;
  lines.close(); // gives back: lines
  return line;
}

async function settle(file) {
  const watcher = fs.watch(file); // acquires: watcher
  count('watchers', watcher);
  fs.appendFileSync(file, 'changed\n');
  await once(watcher, 'change');
  watcher.close(); // gives back: watcher
}

async function job(n) {
  const file = path.join(folder, `${n}.txt`);
  fs.writeFileSync(file, n % 9 === 7 ? '' : 'header\n');
  await scope('append', () => append(file, n));
  await scope('peek', () => peek(file, n));
  await scope('settle', () => settle(file));
  await scope('first line', () => firstLine(n));
  fs.truncateSync(file, n % 8);
  return scope('checksum', () => checksum(file));
}

/** Files of the spool that are open. */
function descriptors() {
  const links = fs.readdirSync('/proc/self/fd').map((name) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      return '';
    }
  });
  return links.filter((link) => link.startsWith(folder)).length;
}

run(
  async () => {
    for (let n = 0; n < 60; n++) {
      await job(n).catch(() => {});
      await sleep(12);
    }
  },
  () => ({ ...out, descriptors: descriptors() }),
);
