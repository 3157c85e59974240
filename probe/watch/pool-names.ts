/**
 * By which name and number a recording knows a pool. A pool for each request must not be a row of its own there: of one
 * library only so many are told apart, and of the others those of one name, if that is known already.
 */
import { mask } from '../recording/mask.ts';

/** Of one library. */
const MAX_POOLS = 200;
/** Characters of a name. */
const MAX_NAME = 120;

export interface PoolName {
  name: string;
  id: number;
}

export class PoolNames {
  #count = 0;
  /** By library; of each name, the number that it had first. */
  readonly #known: Map<string, { count: number; byName: Map<string, number> }> = new Map();

  /** `given` null: it is numbered in the order in which pools are first used. It may hold secrets: masked once, for all. */
  next(library: string, given: string | null): PoolName {
    const known = this.#known.get(library) ?? { count: 0, byName: new Map<string, number>() };
    this.#known.set(library, known);
    const masked = given === null ? null : mask(given, MAX_NAME);
    if (known.count++ < MAX_POOLS) {
      const id = ++this.#count;
      const name = masked ?? `${library} #${id}`;
      if (!known.byName.has(name)) known.byName.set(name, id);
      return { name, id };
    }
    const name = masked !== null && known.byName.has(masked) ? masked : `${library} (others)`;
    const id = known.byName.get(name) ?? ++this.#count;
    known.byName.set(name, id);
    return { name, id };
  }
}
