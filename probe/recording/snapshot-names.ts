/** Snapshots of the heap, at the beginning of a soak and at the end of a watch: what the file is called after its recording. */
export const SNAPSHOT = { first: '.first.heapsnapshot', last: '.last.heapsnapshot' } as const;
export type SnapshotName = keyof typeof SNAPSHOT;
