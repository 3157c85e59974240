/** Modules of Node's own that are loaded late, and tell nobody: it is looked for them in Node's own list. */
import { guarded, type Part } from '../../process/lapses.ts';
import { later } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';

/** Milliseconds from one look to the next, from the start on; then at each look of the probe's. */
const LOOKS = [1, 3, 12, 48, 192];

/** What is looked for. */
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
  if (awaited.size === 0) lookSoon();
  awaited.add(look);
  desk.ledger.beforeReading.push(look);
  return look;
}

/** All timers are made at once, before the program runs: a service's own async hooks would see those made later. */
function lookSoon(): void {
  const timers = LOOKS.map((delay, nth) =>
    later(delay, () => {
      for (const look of awaited) look();
      if (nth === LOOKS.length - 1) awaited.clear();
      // not by the time since the start: until the program has run, nothing else does
      for (const next of timers.slice(nth + 1)) next.refresh();
    }),
  );
}
