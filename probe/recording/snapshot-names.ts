/**
 * Snapshots of the heap lie beside the recording of their thread and bear its name: the one at the beginning of a soak, the
 * one at the end of a soak or a visit, and the first, second … that somebody has asked for.
 */
export const AT_REST = ['first', 'last'] as const;
export type SnapshotName = (typeof AT_REST)[number] | number;

const FILE = /^(?<recording>.+)\.(?<name>first|last|\d+)\.heapsnapshot$/;

export function snapshotFileOf(recording: string, name: SnapshotName): string {
  return recording.replace(/\.jsonl$/, `.${name}.heapsnapshot`);
}

/** Of the names of a folder those of snapshots, oldest first, by the recording's. */
export function snapshotsAmong(names: readonly string[]): Map<string, string[]> {
  const found = new Map<string, [age: number, file: string][]>();
  for (const file of names) {
    const { recording, name } = FILE.exec(file)?.groups ?? {};
    if (recording === undefined || name === undefined) continue;
    const files = found.get(`${recording}.jsonl`) ?? [];
    found.set(`${recording}.jsonl`, files);
    files.push([name === 'first' ? 0 : name === 'last' ? Number.POSITIVE_INFINITY : Number(name), file]);
  }
  return new Map(
    [...found].map(([recording, files]) => [recording, files.sort(([a], [b]) => a - b).map(([, file]) => file)]),
  );
}

/** Nobody has asked for it: it goes when it has been read. */
export function isPassing(file: string): boolean {
  return AT_REST.some((name) => file.endsWith(`.${name}.heapsnapshot`));
}
