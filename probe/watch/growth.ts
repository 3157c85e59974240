/** What only grows, where OUTLIVE_GROWTH asks for it. */
import type { Growth, ReadGrowths } from '../account/growth.ts';
import type { Method } from '../process/around.ts';
import type { Desk } from './desk.ts';
import { watchCollections } from './growth/collections.ts';
import { watchRaces } from './growth/races.ts';

/** `isOwnCall`: the probe itself made the call to this wrapper, which is on the stack. */
export function watchGrowth(desk: Desk, isOwnCall: (wrapper: Method) => boolean): ReadGrowths {
  const all = [watchCollections(desk, isOwnCall), watchRaces(desk)];
  return function* read(): Iterable<Growth> {
    for (const read of all) yield* read();
  };
}
