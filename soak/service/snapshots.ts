/** Snapshots of the heaps of a soak's processes, which their probes write. */
import type { SnapshotName } from '../../probe/recording/snapshot-names.ts';
import type { Control } from '../control.ts';

/** A snapshot of a large heap takes some seconds, of several processes one after the other on few cores. */
const WRITE_LIMIT_MS = 120_000;

/** Writes one of each process; resolves with sentences on those that were not. */
export async function takeSnapshots(control: Control, name: SnapshotName, maxMb: number): Promise<string[]> {
  const answers = await control.tell({ do: 'snapshot', name, maxMb }, WRITE_LIMIT_MS);
  return [...new Set(answers.flatMap(({ noSnapshot }) => noSnapshot ?? []))];
}
