/** Snapshots that probes wrote beside their recordings: read here, where reading them holds nobody up. */
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type Grown, writeReach } from '../probe/recording/reach.ts';
import { isPassing, snapshotsAmong } from '../probe/recording/snapshot-names.ts';
import { grown } from './growth.ts';
import { lookInto } from './look.ts';
import { Reach } from './reach.ts';
import { readSnapshot } from './snapshot.ts';

/** Of one thread: its oldest snapshot against its newest. */
export interface Compared {
  before: string;
  after: string;
  grown: Grown[];
}

export interface SnapshotsRead {
  /** Of each thread that has more than one. */
  compared: Compared[];
  /** A sentence on each that could not be read. */
  problems: string[];
}

/** Who holds what is open, and what memory grew by, are written beside the recordings, where reports find them. */
export function readSnapshots(folder: string): SnapshotsRead {
  const read: SnapshotsRead = { compared: [], problems: [] };
  for (const [recording, files] of snapshotsAmong(readdirSync(folder))) {
    const [before = '', after = ''] = [files[0], files.at(-1)].map((name) => path.join(folder, name ?? ''));
    try {
      const snapshot = readSnapshot(after);
      // the whole heap is walked once for both
      const reach = new Reach(snapshot);
      const more = before === after ? [] : grown(readSnapshot(before), snapshot, reach);
      writeReach(path.join(folder, recording), { lines: lookInto(snapshot, reach), grown: more });
      if (before !== after) read.compared.push({ before, after, grown: more });
    } catch (error) {
      read.problems.push(`Who holds what is not known: ${(error as Error).message}`);
    }
  }
  return read;
}

/** Large, and full of what the service keeps: of those that nobody has asked for nothing stays. */
export function removeSnapshots(folder: string): void {
  for (const name of readdirSync(folder).filter(isPassing)) rmSync(path.join(folder, name), { force: true });
}
