/** The probe in one thread of another process, as seen from here: what it is asked by code that the inspector runs. */
import type { PoolNumbers } from '../probe/account/pool-numbers.ts';
import type { Arrival, VisitOptions } from '../probe/attach/visit.ts';
import type { Remote, Thread } from './inspector.ts';

const VISIT = "globalThis[Symbol.for('outlive.visit')]";

/** A larger heap is not searched for pools: that takes 15 to 50 ms for each megabyte. */
export const MAX_SEARCHED_MB = 32;
const LOOK_MS = 5000;

export class Guest {
  readonly thread: Thread;
  readonly arrival: Arrival;
  /** The latest numbers of each of its pools. */
  pools: PoolNumbers[] = [];
  /** What the latest proof has found of each, beside what was known before. */
  fresh: PoolNumbers[] = [];
  #proven: ReadonlyMap<number, PoolNumbers> = new Map();
  /** When the latest proof ended, and how long it took; milliseconds. */
  #provenAt = 0;
  #proofMs = 0;

  private constructor(thread: Thread, arrival: Arrival) {
    this.thread = thread;
    this.arrival = arrival;
  }

  /** `probe`: the folder that it is loaded from, as the thread sees it. */
  static async begin(thread: Thread, probe: string, options: VisitOptions, withinMs?: number): Promise<Guest> {
    const file = JSON.stringify(`${probe}/process/on-demand.js`);
    const loader = `process.getBuiltinModule('node:module').createRequire(${file})(${file})`;
    const visit = `${loader}.loadOnDemand((load) => load('./attach/visit.js'))`;
    return new Guest(thread, await thread.run<Arrival>(`${visit}.begin(${JSON.stringify(options)})`, withinMs));
  }

  /** Libraries whose pools nobody has asked yet: a pool shows itself when it is next asked. */
  get unshown(): string[] {
    return this.arrival.kinds.filter((kind) => !this.pools.some(({ library }) => library === kind));
  }

  /** Finds the pools of those, in a small heap: by what their objects have in common. */
  async search(): Promise<void> {
    const { thread, unshown, arrival } = this;
    if (unshown.length === 0 || arrival.heapUsed > MAX_SEARCHED_MB * 1024 * 1024) return;
    for (const [kind, library] of arrival.kinds.entries()) {
      if (!unshown.includes(library)) continue;
      const { objectId } = await thread.evaluate(`${VISIT}.prototypeOf(${kind})`, { byValue: false });
      const params = { prototypeObjectId: objectId, objectGroup: 'outlive' };
      const { objects } = await thread.call<{ objects: Remote }>('Runtime.queryObjects', params);
      await thread.call('Runtime.callFunctionOn', {
        objectId: objects.objectId,
        functionDeclaration: `function (kind) {
          return new Promise((resolve) => process.getBuiltinModule('node:timers').setImmediate(() => {
            try { ${VISIT}?.meet(kind, this); } finally { resolve(null); }
          }));
        }`,
        arguments: [{ value: kind }],
        awaitPromise: true,
        returnByValue: true,
      });
    }
    // what the inspector holds nobody can prove to be lost
    await thread.call('Runtime.releaseObjectGroup', { objectGroup: 'outlive' });
  }

  async look(): Promise<void> {
    this.pools = await this.#ask<PoolNumbers[]>('look()', LOOK_MS);
  }

  /** One collection. */
  async prove(): Promise<void> {
    const began = performance.now();
    await this.#collect();
    this.#found(await this.#ask<PoolNumbers[]>('prove()'));
    this.#provenAt = performance.now();
    this.#proofMs = this.#provenAt - began;
  }

  /** Whether proofs take no more than this share of the time if there is another now. */
  hasRested(share: number): boolean {
    return performance.now() - this.#provenAt > this.#proofMs / share;
  }

  #found(pools: PoolNumbers[]): void {
    this.fresh = pools.map((pool) => {
      const { lost = 0, healed = 0 } = this.#proven.get(pool.id) ?? {};
      return { ...pool, lost: pool.lost - lost, healed: pool.healed - healed };
    });
    this.#proven = new Map(pools.map((pool) => [pool.id, pool]));
    this.pools = pools;
  }

  /** Pools that have shown since. */
  get hasNews(): boolean {
    return this.pools.some(({ id, before }) => before > 0 && !this.#proven.has(id));
  }

  /** Somebody waits, and all are lent. */
  get hasRunOut(): boolean {
    return this.pools.some(({ max, used, pending }) => pending > 0 && max > 0 && used >= max);
  }

  /** Some connections from before are lent still, and not lost: somebody holds them. */
  get areSomeHeld(): boolean {
    return this.pools.some(({ before, lost }) => before > lost);
  }

  /** Who holds them, for whoever reads it: beside the recording, unless the heap is larger. */
  async snapshot(maxMb: number): Promise<void> {
    await this.thread.call('Runtime.discardConsoleEntries');
    const why = await this.#ask<string | null>(`snapshot(${maxMb})`);
    if (why !== null) await this.unseen('who holds what was taken before', why);
  }

  unseen(what: string, why: string): Promise<null> {
    return this.#ask(`unseen(${JSON.stringify(what)}, ${JSON.stringify(why)})`);
  }

  async leave(): Promise<void> {
    for (const library of this.unshown) {
      await this.unseen(
        `pools of ${library}`,
        'Nobody asked one while outlive watched: whether there are any, and how they stand, is not known.',
      );
    }
    await this.#collect();
    this.#found(await this.#ask<PoolNumbers[]>('leave()'));
  }

  async #collect(): Promise<void> {
    // what the program has logged since the inspector was opened
    await this.thread.call('Runtime.discardConsoleEntries');
    await this.#ask('prepare()');
    await this.#ask('collect()');
  }

  #ask<T>(call: string, withinMs?: number): Promise<T> {
    return this.thread.run<T>(`${VISIT}.${call}`, withinMs);
  }
}
