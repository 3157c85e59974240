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
    const isTold = known.count++ < MAX_POOLS;
    if (isTold) this.#count++;
    const masked = given === null ? null : mask(given, MAX_NAME);
    const own = masked ?? `${library} #${this.#count}`;
    const name = isTold || known.byName.has(own) ? own : `${library} (others)`;
    const first = known.byName.get(name);
    const id = isTold || first === undefined ? (isTold ? this.#count : ++this.#count) : first;
    if (first === undefined) known.byName.set(name, id);
    return { name, id };
  }
}
