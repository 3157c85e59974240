/** Room on this thread's heap for one more of what was loaded before: told before V8 ends the process for want of it. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Refused } from '../refused.ts';

/** Beyond this share of its heap V8 does little but collect, and then ends the process. */
const USABLE = 0.88;

export class HeapRoom {
  readonly #limit: number;
  /** What one added to the heap, bytes. */
  #size = 0;

  constructor(limitBytes: number = getHeapStatistics().heap_size_limit) {
    this.#limit = limitBytes;
  }

  /** Throws `Refused` when there is no room. */
  async take<T>(load: () => T | Promise<T>): Promise<T> {
    this.#mustHaveRoom();
    const before = heapUsed();
    try {
      return await load();
    } finally {
      this.#size = Math.max(this.#size, heapUsed() - before);
    }
  }

  #mustHaveRoom(): void {
    const isFull = () => heapUsed() + this.#size > USABLE * this.#limit;
    if (!isFull()) return;
    collect();
    if (!isFull()) return;
    const [used, limit] = [heapUsed(), this.#limit].map((bytes) => Math.round(bytes / 2 ** 20));
    throw new Refused(
      503,
      'out-of-memory',
      `Out of memory: the job's module cannot be loaded, ${used} of ${limit} MB of the heap are in use after a collection.`,
    );
  }
}

function heapUsed(): number {
  return getHeapStatistics().used_heap_size;
}

function collect(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
