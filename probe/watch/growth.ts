/** What only grows, where OUTLIVE_GROWTH asks for it. */
import type { Growth, GrowthWatch } from '../account/growth.ts';
import type { Method } from '../process/around.ts';
import type { Desk } from './desk.ts';
import { watchCollections } from './growth/collections.ts';
import { watchRaces } from './growth/races.ts';

/** `isOwnCall`: the probe itself made the call to this wrapper, which is on the stack. */
export function watchGrowth(desk: Desk, isOwnCall: (wrapper: Method) => boolean): GrowthWatch {
  const all = [watchCollections(desk, isOwnCall), watchRaces(desk)];
  return {
    hasMatter: () => all.some((watch) => watch.hasMatter()),
    *read(): Iterable<Growth> {
      for (const watch of all) yield* watch.read();
    },
  };
}
