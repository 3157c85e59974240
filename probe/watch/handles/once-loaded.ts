/** Modules of Node's own that are loaded late, and tell nobody: it is looked for them in Node's own list. */
import { guarded, type Part } from '../../process/lapses.ts';
import { later } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';

/** Milliseconds from one look to the next, from the start on; then at each look of the probe's. */
const LOOKS = [1, 3, 12, 48, 192];

/** What is looked for: one timer at a time for all, since a service's own hooks see each. */
const awaited = new Set<() => void>();

/** Calls `watch`, once, when `module` has been loaded, whose name is Node's. Returns what looks whether it is there. */
export function onceLoaded(desk: Desk, part: Part, module: string, watch: () => void): () => void {
  const { moduleLoadList } = process as { moduleLoadList?: string[] };
  let isWatched = false;
  const look = (): void => {
    if (isWatched || !moduleLoadList?.includes(`NativeModule ${module}`)) return;
    isWatched = true;
    awaited.delete(look);
    guarded(part, watch);
  };
  if (awaited.size === 0) goOnLooking(LOOKS);
  awaited.add(look);
  desk.ledger.beforeReading.push(look);
  return look;
}

function goOnLooking([delay, ...rest]: readonly number[]): void {
  if (delay === undefined) {
    awaited.clear();
    return;
  }
  later(delay, () => {
    for (const look of awaited) look();
    if (awaited.size > 0) goOnLooking(rest);
  });
}
