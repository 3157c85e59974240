/** Two snapshots compared: what there is more of, by class, and who holds the new ones. */
import { Reach } from './reach.ts';
import type { Snapshot } from './snapshot.ts';
import { heldBy } from './words.ts';

export interface Grown {
  /** Class, or the name that V8 has for it. */
  name: string;
  /** How many more there are, and how many bytes they have themselves. */
  count: number;
  bytes: number;
  /** Who holds some of them, in words, most frequent first. */
  held: string[];
}

const MOST = 10;
/** Looked at of each class. */
const SAMPLE = 50;
const INTERESTING = ['object', 'closure', 'regexp', 'native'];

/** Most bytes first. */
export function grown(before: Snapshot, after: Snapshot): Grown[] {
  const was = sizesOf(before);
  const reach = new Reach(after);
  return [...sizesOf(after)]
    .map(([name, { nodes, bytes }]) => {
      const known = was.get(name) ?? { nodes: [], bytes: 0 };
      return { name, nodes, count: nodes.length - known.nodes.length, bytes: bytes - known.bytes };
    })
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, MOST)
    .map(({ nodes, ...rest }) => ({ ...rest, held: holdersOf(after, reach, nodes.slice(-SAMPLE)) }));
}

function sizesOf(snapshot: Snapshot): Map<string, { nodes: number[]; bytes: number }> {
  const sizes = new Map<string, { nodes: number[]; bytes: number }>();
  for (let node = 0; node < snapshot.size; node++) {
    if (!INTERESTING.includes(snapshot.type(node))) continue;
    const name = snapshot.name(node);
    if (name.startsWith('system / ')) continue;
    const size = sizes.get(name) ?? { nodes: [], bytes: 0 };
    sizes.set(name, size);
    size.nodes.push(node);
    size.bytes += snapshot.selfSize(node);
  }
  return sizes;
}

function holdersOf(snapshot: Snapshot, reach: Reach, nodes: readonly number[]): string[] {
  const holders = new Map<string, number>();
  for (const node of nodes) {
    const words = heldBy(snapshot, reach, node).join(' → ');
    if (words) holders.set(words, (holders.get(words) ?? 0) + 1);
  }
  return [...holders]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([words]) => words);
}
