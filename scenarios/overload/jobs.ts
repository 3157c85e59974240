/** The five jobs of a region, even or with one that is heavy. Times in milliseconds. */
import type { JobLoad } from './load.ts';

const NAMES = ['ingest', 'enrich', 'rules', 'correlate', 'deliver'] as const;
/** It asks another service while it keeps its connection. */
export const HEAVY = 'correlate';

/** Each lane has two transactions when its job starts, and then one now and then. */
export const EVEN: readonly JobLoad[] = NAMES.map((name) => ({
  ...{ name, class: 'light', hold: 0 },
  ...{ burst: 2, burstEvery: null, every: 6000 },
}));

/** The light jobs' work trickles in; the heavy one's comes all at once, twelve a lane. */
export function withHeavy(hold: number): readonly JobLoad[] {
  return NAMES.map((name) =>
    name === HEAVY
      ? { ...{ name, class: 'heavy', hold }, ...{ burst: 12, burstEvery: null, every: null } }
      : { ...{ name, class: 'light', hold: 0 }, ...{ burst: 0, burstEvery: null, every: 4000 } },
  );
}
