/** Modules of Node's own that are loaded late, and tell nobody: it is looked for them in Node's own list. */
import { guarded, type Part } from '../../process/lapses.ts';
import { later } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';

/** Milliseconds after the start; then at each look of the probe's. */
const LOOKS = [1, 4, 16, 64, 256];

/** Calls `watch`, once, when `module` has been loaded, whose name is Node's. Returns what looks whether it is there. */
export function onceLoaded(desk: Desk, part: Part, module: string, watch: () => void): () => void {
  const { moduleLoadList } = process as { moduleLoadList?: string[] };
  let isWatched = false;
  const look = (): void => {
    if (isWatched || !moduleLoadList?.includes(`NativeModule ${module}`)) return;
    isWatched = true;
    guarded(part, watch);
  };
  for (const delay of LOOKS) later(delay, look);
  desk.ledger.beforeReading.push(look);
  return look;
}
