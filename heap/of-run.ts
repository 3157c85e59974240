/** Snapshots that probes wrote beside their recordings: read here, where reading them holds nobody up. */
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { writeReach } from '../probe/recording/reach.ts';
import { SNAPSHOT } from '../probe/recording/snapshot-names.ts';
import { grown } from './growth.ts';
import { lookInto } from './look.ts';
import { Reach } from './reach.ts';
import { readSnapshot } from './snapshot.ts';

/** Who holds what is open, and what memory grew by, beside the recordings; the snapshots go. Returns what went wrong. */
export function readSnapshots(folder: string): string[] {
  const last = readdirSync(folder).filter((name) => name.endsWith(SNAPSHOT.last));
  return last.flatMap((name) => {
    const base = path.join(folder, name.slice(0, -SNAPSHOT.last.length));
    try {
      const snapshot = readSnapshot(base + SNAPSHOT.last);
      // the whole heap is walked once for both
      const reach = new Reach(snapshot);
      const hasFirst = readdirSync(folder).includes(path.basename(base + SNAPSHOT.first));
      writeReach(`${base}.jsonl`, {
        lines: lookInto(snapshot, reach),
        grown: hasFirst ? grown(readSnapshot(base + SNAPSHOT.first), snapshot, reach) : [],
      });
      return [];
    } catch (error) {
      return [`Who holds what is not known: ${(error as Error).message}`];
    }
  });
}

/** Large, and full of what the service keeps: nothing of them stays. */
export function removeSnapshots(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (Object.values(SNAPSHOT).some((end) => name.endsWith(end))) rmSync(path.join(folder, name), { force: true });
  }
}
