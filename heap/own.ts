/** The probe's own code in a snapshot: what it keeps is nobody's. */
import type { Snapshot } from './snapshot.ts';

/** Files of the probe, by which its folder is known: others may call one of theirs alike. */
const OWN = /^(.*[\\/]dist[\\/]probe[\\/])(?:judge[\\/]judge|proof[\\/]heap-snapshot)\.js$/;
const ownFolders: WeakMap<Snapshot, string[]> = new WeakMap();

/** Of a function, by its file. */
export function isOfProbe(snapshot: Snapshot, node: number): boolean {
  const { file } = snapshot.placeOf(node) ?? {};
  return file !== undefined && foldersIn(snapshot).some((folder) => file.startsWith(folder));
}

function foldersIn(snapshot: Snapshot): string[] {
  let folders = ownFolders.get(snapshot);
  if (folders === undefined) {
    folders = [...snapshot.files()].flatMap((each) => OWN.exec(each)?.[1] ?? []);
    ownFolders.set(snapshot, folders);
  }
  return folders;
}
