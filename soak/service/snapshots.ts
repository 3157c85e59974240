/** Of the heaps of a soak's processes: snapshots that their probes write, read here, where reading them holds nobody up. */
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { grown } from '../../heap/growth.ts';
import { lookInto } from '../../heap/look.ts';
import { Reach } from '../../heap/reach.ts';
import { readSnapshot } from '../../heap/snapshot.ts';
import { SNAPSHOT, type SnapshotName } from '../../probe/control/protocol.ts';
import { writeReach } from '../../probe/recording/reach.ts';
import type { Control } from '../control.ts';

/** A snapshot of a large heap takes some seconds, of several processes one after the other on few cores. */
const WRITE_LIMIT_MS = 120_000;

/** Writes one of each process; resolves with sentences on those that were not. */
export async function takeSnapshots(control: Control, name: SnapshotName, maxMb: number): Promise<string[]> {
  const answers = await control.tell({ do: 'snapshot', name, maxMb }, WRITE_LIMIT_MS);
  return [...new Set(answers.flatMap(({ noSnapshot }) => noSnapshot ?? []))];
}

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
