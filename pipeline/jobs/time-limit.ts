/** Work that is ended by force: of a regular expression that never comes back, V8 itself is the only one that can. */
import { createContext, Script } from 'node:vm';

let desk: Record<string, unknown> | undefined;
const script = new Script('work()');
/** A limit around it all holds already. */
let isInside = false;

/** How often as long it may take where the processor is busy with others. */
const MOST_WAIT = 64;

/**
 * What `work` returns; undefined when it took more than so many milliseconds of processor time. It may be run again:
 * on a busy machine time passes without a fault of the work's. Costs about 0.1 ms; inside of `together` nothing.
 */
export function within<T>(milliseconds: number, work: () => T): T | undefined {
  if (isInside) return work();
  for (let wait = milliseconds; ; wait *= 2) {
    const before = process.cpuUsage();
    const done = tried(wait, work);
    if (done) return done.answer;
    const { user, system } = process.cpuUsage(before);
    if ((user + system) / 1_000 >= milliseconds || wait >= milliseconds * MOST_WAIT) return undefined;
  }
}

/** Milliseconds that what is done together may take, before each is done under a limit of its own. */
const TOGETHER = 2_000;

/** What `work` returns: under one limit for all that is in it, and where that is not enough, again under theirs. */
export function together<T>(work: () => T): T {
  const done = tried(TOGETHER, work);
  return done ? done.answer : work();
}

function tried<T>(timeout: number, work: () => T): { answer: T } | null {
  let done: { answer: T } | null = null;
  desk ??= createContext({});
  desk.work = () => {
    done = { answer: work() };
  };
  try {
    isInside = true;
    script.runInContext(desk, { timeout });
    return done;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return null;
    throw error;
  } finally {
    isInside = false;
  }
}
