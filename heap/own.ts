/** The probe's own code in a snapshot: what it keeps is nobody's. */
import path from 'node:path';
import { isGlobal, type Snapshot } from './snapshot.ts';

/** By which the probe is found: a global's property, see probe/register.ts. */
const PROBE = '<symbol outlive.probe>';
const ownFolders: WeakMap<Snapshot, string[]> = new WeakMap();

/** Of a function, by its file. */
export function isOfProbe(snapshot: Snapshot, node: number): boolean {
  const { file } = snapshot.placeOf(node) ?? {};
  return file !== undefined && foldersIn(snapshot).some((folder) => file.startsWith(folder));
}

/** Where the class of the probe's object is. */
function foldersIn(snapshot: Snapshot): string[] {
  let folders = ownFolders.get(snapshot);
  if (folders === undefined) {
    const globals = Array.from({ length: snapshot.size }, (_, node) => node).filter(
      (node) => snapshot.type(node) === 'object' && isGlobal(snapshot, node),
    );
    const probes = globals.flatMap((node) => snapshot.follow(node, PROBE) ?? []);
    folders = probes
      .flatMap((probe) => snapshot.placeOf(probe)?.file ?? [])
      .map((file) => path.dirname(file) + path.sep);
    ownFolders.set(snapshot, folders);
  }
  return folders;
}
