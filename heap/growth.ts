/** Two snapshots compared: what there is more of, by class, and who holds the new ones. */
import type { Grown } from '../probe/recording/reach.ts';
import type { Reach } from './reach.ts';
import type { Snapshot } from './snapshot.ts';
import { heldBy } from './words.ts';

const MOST = 10;
/** Looked at of each class: the largest of those that are new. */
const SAMPLE = 100;
const INTERESTING = ['object', 'closure', 'regexp', 'native'];
/** What has no class of its own, by type. */
const NAMES: Readonly<Record<string, string>> = {
  string: 'string',
  'concatenated string': 'string',
  'sliced string': 'string',
  array: 'list of elements',
};
/** Most bytes first. */
export function grown(before: Snapshot, after: Snapshot, reach: Reach): Grown[] {
  const was = sizesOf(before);
  const known = new Set(Array.from({ length: before.size }, (_, node) => before.id(node)));
  return [...sizesOf(after)]
    .map(([name, { nodes, bytes }]) => {
      const earlier = was.get(name) ?? { nodes: [], bytes: 0 };
      const fresh = nodes.filter((node) => !known.has(after.id(node)));
      return { name, nodes: fresh, count: nodes.length - earlier.nodes.length, bytes: bytes - earlier.bytes };
    })
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, MOST)
    .map(({ nodes, ...rest }) => ({ ...rest, held: holdersOf(after, reach, largest(after, nodes)) }));
}

function sizesOf(snapshot: Snapshot): Map<string, { nodes: number[]; bytes: number }> {
  const sizes = new Map<string, { nodes: number[]; bytes: number }>();
  for (let node = 0; node < snapshot.size; node++) {
    const type = snapshot.type(node);
    const name = NAMES[type] ?? (INTERESTING.includes(type) ? snapshot.name(node) : '');
    if (name === '' || (name.startsWith('system / ') && type !== 'native')) continue;
    const size = sizes.get(name) ?? { nodes: [], bytes: 0 };
    sizes.set(name, size);
    size.nodes.push(node);
    size.bytes += snapshot.selfSize(node);
  }
  return sizes;
}

function largest(snapshot: Snapshot, nodes: readonly number[]): number[] {
  return nodes.toSorted((a, b) => snapshot.selfSize(b) - snapshot.selfSize(a)).slice(0, SAMPLE);
}

/** Most bytes first. */
function holdersOf(snapshot: Snapshot, reach: Reach, nodes: readonly number[]): string[] {
  const holders = new Map<string, number>();
  for (const node of nodes) {
    const words = heldBy(snapshot, reach, node).join(' → ');
    if (words) holders.set(words, (holders.get(words) ?? 0) + snapshot.selfSize(node));
  }
  return [...holders]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([words]) => words);
}
