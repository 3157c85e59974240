/** A snapshot that the probe wrote → who can still reach what it marked, line by line. */
import type { ReachOfLine } from '../probe/recording/reach.ts';
import type { Reach } from './reach.ts';
import type { Snapshot } from './snapshot.ts';
import { heldBy } from './words.ts';

/** Of one line. */
const MOST_HOLDERS = 5;
/** More of one line say no more. */
const MOST_PATHS = 200;

export function lookInto(snapshot: Snapshot, reach: Reach): ReachOfLine[] {
  const lines = new Map<string, { marked: number; unreachable: number; holders: Map<string, number> }>();
  for (const { key, node } of reach.marked) {
    const line = lines.get(key) ?? { marked: 0, unreachable: 0, holders: new Map() };
    lines.set(key, line);
    line.marked++;
    if (!reach.isReachable(node)) line.unreachable++;
    else if (line.marked <= MOST_PATHS) {
      const words = heldBy(snapshot, reach, node).join(' → ');
      if (words) line.holders.set(words, (line.holders.get(words) ?? 0) + 1);
    }
  }
  return [...lines].map(([key, { marked, unreachable, holders }]) => ({
    ...{ key, marked, unreachable },
    held: [...holders]
      .sort(([, a], [, b]) => b - a)
      .slice(0, MOST_HOLDERS)
      .map(([words, count]) => (count > 1 ? `${count} × ${words}` : words)),
  }));
}
