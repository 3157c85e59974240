/** Snapshots that probes wrote beside their recordings: read here, where reading them holds nobody up. */
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { writeReach } from '../probe/recording/reach.ts';
import { isPassing, snapshotsAmong } from '../probe/recording/snapshot-names.ts';
import { compare, type More, NO_MORE } from './compare.ts';
import { lookInto } from './look.ts';
import { Reach } from './reach.ts';
import { readSnapshot } from './snapshot.ts';

/** Of one thread: its oldest snapshot against its newest. */
export interface Compared extends More {
  before: string;
  after: string;
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
      const reach = new Reach(snapshot);
      const { grown, holders } = before === after ? NO_MORE : compare(readSnapshot(before), snapshot);
      writeReach(path.join(folder, recording), { lines: lookInto(snapshot, reach), grown, holders });
      if (before !== after) read.compared.push({ before, after, grown, holders });
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
