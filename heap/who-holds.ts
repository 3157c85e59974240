/**
 * `node who-holds.js SNAPSHOT`: who can still reach what the probe marked, as JSON on stdout; the snapshot goes. A process
 * of its own, so that the one that wrote it is neither held up nor needs the memory.
 */
import { rmSync } from 'node:fs';
import { lookInto } from './look.ts';
import { Reach } from './reach.ts';
import { readSnapshot } from './snapshot.ts';

const file = process.argv[2] ?? '';
try {
  const snapshot = readSnapshot(file);
  process.stdout.write(JSON.stringify(lookInto(snapshot, new Reach(snapshot))));
} finally {
  rmSync(file, { force: true });
}
