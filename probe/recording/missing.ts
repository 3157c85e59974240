/** What a run's recordings do not hold though it was there, one plain sentence each. */
import path from 'node:path';
import type { Recording, StartedLine, Unseen } from './format.ts';
import { hostName } from './host.ts';

/** Characters of a command line. */
const MAX_COMMAND = 80;

export function missingIn(recordings: readonly Recording[]): string[] {
  const others = unwatchedIn(recordings).filter(({ isNode }) => !isNode);
  return [...recordings.flatMap(gapsIn), ...others.map(({ who, by }) => `${who}${by} left no recording: not watched.`)];
}

/** Node.js processes and threads that should have been watched: whatever they hold was not seen. */
export function unseenProcesses(recordings: readonly Recording[]): Unseen[] {
  const nodes = unwatchedIn(recordings).filter(({ isNode }) => isNode);
  return nodes.map(({ who }) => ({ what: who, why: 'It left no recording: nothing of it was seen.' }));
}

function gapsIn({ process, cost }: Recording): string[] {
  const { write = 0, deleted = 0 } = cost?.dropped ?? {};
  const who = `process ${process.pid}${process.thread ? `, thread ${process.thread}` : ''}`;
  return [
    write > 0 && `The recording of ${who} could not be written ${times(write)}: samples and job runs are missing.`,
    deleted > 0 &&
      `The recording of ${who} was deleted ${times(deleted)} while it was written: earlier samples and job runs are missing.`,
  ].filter((sentence) => sentence !== false);
}

interface Unwatched {
  who: string;
  by: string;
  /** Another program is nothing that could be watched. */
  isNode: boolean;
}

/** Processes and threads that were started and left no recording: one for all with the same command line. */
function unwatchedIn(recordings: readonly Recording[]): Unwatched[] {
  const recorded = new Set(recordings.map(({ process: { pid, thread } }) => `${pid} ${thread}`));
  const alike = new Map<string, StartedLine[]>();
  for (const { process, started } of recordings) {
    for (const child of started) {
      if (recorded.has(`${child.pid} ${child.thread}`)) continue;
      // one that was started a moment ago has not come to it yet
      if (child.thread === 0 && isAlive(child.pid, process.host)) continue;
      const key = JSON.stringify([process.pid, child.thread > 0, child.argv]);
      alike.set(key, [...(alike.get(key) ?? []), child]);
    }
  }
  return [...alike].map(([key, children]) => {
    const [parent] = JSON.parse(key) as [number];
    const [{ pid, thread, argv } = { pid: 0, thread: 0, argv: [] }] = children;
    const others = children.length > 1 ? ` and ${children.length - 1} more like it` : '';
    // where the program is installed tells less than what it was given
    const [program = '', ...args] = argv;
    const text = [path.basename(program), ...args].join(' ');
    const command = text.length > MAX_COMMAND ? `${text.slice(0, MAX_COMMAND - 1)}…` : text;
    const who = thread > 0 ? `Thread ${thread} of process ${pid}` : `Process ${pid}`;
    const by = thread > 0 ? '' : `, started by ${parent},`;
    const isNode = thread > 0 || /^node(?:js)?(?:\.exe)?$/.test(path.basename(program));
    return { who: `${who}${command && ` (${command})`}${others}`, by, isNode };
  });
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

/** Whether a process of this machine still runs. */
export function isAlive(pid: number, host: string): boolean {
  if (host !== hostName()) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
