/**
 * How a process or thread ended. One that could not say it was killed, or its heap was full; a thread that was told to
 * end, or whose process did, cannot say it either, and nobody signalled it.
 */
import type { Recording } from './format.ts';
import { isAlive } from './missing.ts';
import type { ReportProcess } from './report.ts';

export type Ending = Pick<ReportProcess, 'end' | 'endedBy' | 'exitCode'>;

/** Of the heap's limit, when last seen: it grows within a second to the whole of it. */
const FULL = 0.8;
/** What a process ends with, as a shell tells it, when V8 gives up. */
const ABORTED = 134;

/** `all`: the recordings of its run. */
export function endingOf(recording: Recording, all: readonly Recording[]): Ending {
  const { process: line, end, died } = recording;
  if (end) return { end: end.end, endedBy: null, exitCode: end.end === 'running' ? null : end.code };
  if (line.thread > 0) return ofThread(recording, all);
  if (died === null && isAlive(line.pid, line.host)) return { end: 'running', endedBy: null, exitCode: null };
  // the program's own `process.abort()` is told by an end
  if (died === 'SIGABRT' || (died === null && isFull(recording))) {
    return { end: 'crash', endedBy: 'heap limit', exitCode: ABORTED };
  }
  return { end: 'signal', endedBy: died, exitCode: null };
}

function ofThread(recording: Recording, all: readonly Recording[]): Ending {
  const { pid, startedMs } = recording.process;
  if (isFull(recording)) return { end: 'crash', endedBy: 'heap limit', exitCode: null };
  const main = all.find(({ process }) => process.pid === pid && process.thread === 0 && process.startedMs <= startedMs);
  const ending = main ? endingOf(main, all) : { end: 'signal' as const, endedBy: null };
  return { end: ending.end, endedBy: ending.endedBy, exitCode: null };
}

function isFull({ process: { heapLimit }, samples, collections }: Recording): boolean {
  const [sample, collection] = [samples.at(-1), collections.at(-1)];
  const latest = (sample?.at ?? 0) > (collection?.at ?? 0) ? sample : collection;
  return heapLimit !== undefined && latest !== undefined && latest.heapUsed >= heapLimit * FULL;
}
