/**
 * When a judging collection may be forced. Only a major collection clears tokens, and it pauses the service by about
 * 1.3 ms per MB of heap: so only when an aged, idle, open suspect waits for it, at most once a minute in production,
 * never above a heap size, and less and less often while it finds nothing. What it took counts as the probe's cost. It
 * costs more than that: V8 throws away what it has compiled for classes of objects of which none is left at that moment,
 * and compiles it again.
 *
 * What a collection leaves may still be garbage: a function that V8 is compiling keeps the objects that it has seen, for
 * as long as other threads take, which on a busy machine are seconds. So what is left is held for certain only where the
 * collection waited for them, as a last one does, or where a second one, some seconds later, has left it too.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext, runInThisContext } from 'node:vm';
import { now } from './runtime.ts';

const FIRST_WAIT = 60_000;
const LONGEST_WAIT = 3_600_000;
/** Between two that cannot wait; twice as long after each that proved nothing, up to `FIRST_WAIT`. */
const SHORTEST_WAIT = 5000;
/** Between two that have both left something: nothing is compiled for so long, milliseconds. */
const APART = 5000;

export interface GcPolicy {
  enabled: boolean;
  /** Milliseconds between two collections; 0 in soak, where every judgement may collect. */
  wait: number;
  maxHeapBytes: number;
  /** Only where nothing is to be waited for: somebody has agreed to the pause. */
  isOnDemand?: boolean;
}

export class Collector {
  forced = 0;
  /** Milliseconds. */
  cost = 0;
  private readonly policy: GcPolicy;
  private wait: number;
  private nextAt = 0;
  /** Collections since one proved something. */
  private inVain = 0;
  /** When it was last done. */
  lastAt: number = Number.NEGATIVE_INFINITY;
  /** What was let go before then is gone: what is still there is held. */
  sureAt: number = Number.NEGATIVE_INFINITY;
  /** When there were others, from the latest that is `APART` ago on. */
  private before: number[] = [];
  private hasWaited = false;
  private collectGarbage: (() => void) | null | undefined;

  constructor(policy: GcPolicy) {
    this.policy = policy;
    this.wait = policy.wait;
  }

  /** `isLast`: nothing is to be waited for, since the process ends or is at rest. */
  mayCollect(at: number, isLast: boolean): boolean {
    if (!this.policy.enabled || (!isLast && (this.policy.isOnDemand || at < this.nextAt))) return false;
    if (getHeapStatistics().used_heap_size > this.policy.maxHeapBytes) return false;
    this.collectGarbage ??= this.findGc();
    return this.collectGarbage !== null;
  }

  /** Collects if that is allowed now; true if it did. Dereference nothing before it in the same callback. */
  collect(at: number, isLast: boolean): boolean {
    if (!this.mayCollect(at, isLast) || !this.collectGarbage) return false;
    const began = now();
    this.collectGarbage();
    this.cost += now() - began;
    this.forced++;
    this.inVain++;
    this.lastAt = at;
    this.nextAt = at + this.wait;
    this.learnWhatIsHeld(at);
    return true;
  }

  private learnWhatIsHeld(at: number): void {
    const earlier = this.before.findLastIndex((time) => at - time >= APART);
    if (this.hasWaited) this.sureAt = at;
    else if (earlier >= 0) this.sureAt = Math.max(this.sureAt, this.before[earlier] as number);
    this.before = [...this.before.slice(Math.max(0, earlier)), at];
    this.hasWaited = false;
  }

  /** Waits until nothing is being compiled any more, for a collection that is to follow at once. */
  waitForCompilers(): void {
    const began = now();
    this.hasWaited = waitForCompilers();
    this.cost += now() - began;
  }

  /** Something cannot wait: a pool has run out. */
  hurry(at: number): void {
    const wait = Math.min(FIRST_WAIT, SHORTEST_WAIT * 2 ** Math.max(0, this.inVain - 1));
    if (at - this.lastAt >= wait) this.nextAt = Math.min(this.nextAt, at);
  }

  /** The last collection proved that something is lost. */
  proved(): void {
    this.inVain = 0;
  }

  /** Tells whether the last collection was worth its pause. */
  learned(found: boolean): void {
    const { wait } = this.policy;
    this.wait = found ? wait : Math.min(LONGEST_WAIT, this.wait * 2);
    this.nextAt = Math.max(this.nextAt, this.nextAt - wait + this.wait);
  }

  private findGc(): (() => void) | null {
    const { gc } = globalThis as { gc?: () => void };
    if (typeof gc === 'function') return () => gc();
    const found = exposed() ?? tryWithFlag('expose-gc', exposed);
    return found && (() => found());
  }
}

/** Of a context of its own; null where the service has not set `--expose-gc`. */
function exposed(): (() => void) | null {
  return runInNewContext('typeof gc === "function" ? gc : null');
}

/** Returns when V8 compiles nothing any more; false where that cannot be asked for. */
export function waitForCompilers(): boolean {
  return compilersWaited() || tryWithFlag('allow-natives-syntax', compilersWaited) === true;
}

/** False where V8's own functions cannot be called. */
function compilersWaited(): boolean {
  try {
    // what the first call finishes another thread takes apart, with all that it keeps: the second one waits for that
    runInThisContext('%FinalizeOptimization(); %FinalizeOptimization()');
    return true;
  } catch {
    return false;
  }
}

/** The flag is the whole process's: it is taken back at once. Not for one that the service has set. */
function tryWithFlag<T>(flag: string, task: () => T): T | null {
  try {
    setFlagsFromString(`--${flag}`);
    return task();
  } catch {
    return null;
  } finally {
    setFlagsFromString(`--no-${flag}`);
  }
}

export const PRODUCTION_WAIT: number = FIRST_WAIT;
