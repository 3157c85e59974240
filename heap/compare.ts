/** Two snapshots of one process: what there is more of, and who holds what is new. */
import type { Grown, Holder } from '../probe/recording/reach.ts';
import { grown } from './growth.ts';
import { holdersOf } from './holders.ts';
import { Reach } from './reach.ts';
import type { Snapshot } from './snapshot.ts';

export interface More {
  grown: Grown[];
  holders: Holder[];
}

export const NO_MORE: More = { grown: [], holders: [] };

export function compare(before: Snapshot, after: Snapshot): More {
  // Node's own lists hold a server, and with it all that its requests leave
  const reach = new Reach(after, false);
  const known = new Set(Array.from({ length: before.size }, (_, node) => before.id(node)));
  return { grown: grown(before, after, reach), holders: holdersOf(known, after, reach) };
}
